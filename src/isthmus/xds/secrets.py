"""Certificates to TLS secrets, stored under the host that they are for.

Envoy asks for a secret by the SNI of a handshake and wants it back under that very name: `named` puts it in.
Authorities that judge clients' certificates are secrets too, under names of their own, so that new ones reach a
listener without changing it.
"""

from __future__ import annotations

from isthmus.ir.listener import Certificate, HostTls
from isthmus.xds import api, names
from isthmus.xds.resources import SECRET, Resource, resource


def emit_secret(certificate: Certificate) -> Resource:
    """The pair of one host."""
    message = api.Secret(
        tls_certificate={
            "certificate_chain": {"inline_bytes": certificate.chain},
            "private_key": {"inline_bytes": bytes(certificate.key)},
        }
    )
    return resource(SECRET, certificate.host, message)


def emit_authorities(tls: HostTls) -> Resource:
    """Who judges the certificates of a host's clients. A bad one does not end the handshake: the routes answer it."""
    name = names.authorities(tls.host)
    message = api.Secret(
        name=name,
        validation_context={
            "trusted_ca": {"inline_bytes": tls.authorities},
            "trust_chain_verification": _ACCEPT_UNTRUSTED,
            # Ours counts intermediates, Envoy's counts the root as well.
            "max_verify_depth": {"value": tls.depth + 1},
        },
    )
    if tls.revoked:
        message.validation_context.crl.inline_bytes = tls.revoked
    return resource(SECRET, name, message)


_ACCEPT_UNTRUSTED = 1  # CertificateValidationContext.TrustChainVerification


def named(resource: Resource, sni: str) -> Resource:
    """The same pair under the name that Envoy asked for. Field 1 is the name; fields may come in any order."""
    return Resource(SECRET, sni, api.Secret(name=sni).SerializeToString() + resource.body, resource.version)
