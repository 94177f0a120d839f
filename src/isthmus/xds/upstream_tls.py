"""TLS to backends: encrypted always, verified where somebody says by whom."""

from __future__ import annotations

import ipaddress

from isthmus.ir.backend import Backend, Protocol, Trust
from isthmus.xds import api


def upstream_tls(backend: Backend) -> api.TransportSocket:
    """Without a trust not verified and without SNI, nginx's defaults for HTTPS and GRPCS backends."""
    alpn = ["h2"] if backend.protocol is Protocol.HTTP2 else ["http/1.1"]
    trust = backend.trust or Trust()
    context = api.UpstreamTlsContext(sni=trust.name or backend.dns, common_tls_context={"alpn_protocols": alpn})
    if trust.ca or trust.ca_pem:
        _judge(context, trust)
    if trust.chain or trust.chain_pem:
        ours = context.common_tls_context.tls_certificates.add()
        _fill(ours.certificate_chain, trust.chain, trust.chain_pem)
        _fill(ours.private_key, trust.key, trust.key_pem)
    if trust.ciphers:
        context.common_tls_context.tls_params.cipher_suites.extend(trust.ciphers)
    versions = trust.versions or ("1.2", "1.3")
    if versions:
        context.common_tls_context.tls_params.tls_minimum_protocol_version = _VERSIONS[versions[0]]
        context.common_tls_context.tls_params.tls_maximum_protocol_version = _VERSIONS[versions[-1]]
    return api.TransportSocket(name="envoy.transport_sockets.tls", typed_config=api.pack(context))


_VERSIONS = {"1.0": 1, "1.1": 2, "1.2": 3, "1.3": 4}  # TlsParameters.TlsProtocol
_DNS, _IP_ADDRESS = 2, 4  # SubjectAltNameMatcher.SanType


def _judge(context: api.UpstreamTlsContext, trust: Trust) -> None:
    judged = context.common_tls_context.validation_context
    _fill(judged.trusted_ca, trust.ca, trust.ca_pem)
    if trust.depth:
        judged.max_verify_depth.value = trust.depth + 1  # Envoy counts the root too
    if trust.name:
        kind = _IP_ADDRESS if _is_ip(trust.name) else _DNS
        judged.match_typed_subject_alt_names.add(san_type=kind, matcher={"exact": trust.name})
        context.sni = "" if kind == _IP_ADDRESS else trust.name


def _fill(source: api.DataSource, file: str, pem: bytes) -> None:
    if pem:
        source.inline_bytes = bytes(pem)
    else:
        source.filename = file


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
