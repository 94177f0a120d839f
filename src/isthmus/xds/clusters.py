"""Backends to clusters. Endpoints come over EDS under the cluster's own name.

Rule: limits are raised to what an edge needs, retries and ejection are left to those who ask for them.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from isthmus.ir.backend import Backend, Protocol, Trust
from isthmus.xds import api, names
from isthmus.xds.resources import CLUSTER, Resource, resource

_BUFFER_BYTES = 32 * 1024
_MANY = 1_000_000  # Envoy's default circuit breakers (1,024) are too low for an edge: backends and overload bound it


def emit_cluster(backend: Backend) -> Resource:
    """The cluster of a backend."""
    name = names.cluster(backend)
    message = api.Cluster(
        name=name,
        lb_policy=api.Cluster.ROUND_ROBIN,
        connect_timeout=timedelta(milliseconds=backend.connect_timeout_ms),
        per_connection_buffer_limit_bytes={"value": _BUFFER_BYTES},
        circuit_breakers={"thresholds": [{limit: {"value": _MANY} for limit in _LIMITS}]},
    )
    if backend.dns:
        message.type = api.Cluster.STRICT_DNS
        message.load_assignment.CopyFrom(_dns(name, backend))
    else:
        message.type = api.Cluster.EDS
        message.eds_cluster_config.eds_config.ads.SetInParent()
        message.eds_cluster_config.eds_config.resource_api_version = _V3
    if backend.protocol is Protocol.HTTP2:
        options = api.HttpProtocolOptions(explicit_http_config={"http2_protocol_options": _H2})
        message.typed_extension_protocol_options[_HTTP].CopyFrom(api.pack(options))
    if backend.tls:
        message.transport_socket.CopyFrom(_tls(backend))
    return resource(CLUSTER, name, message)


_LIMITS = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
_V3 = 2  # envoy.config.core.v3.ApiVersion.V3
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_H2 = {
    "initial_stream_window_size": {"value": 65_536},
    "initial_connection_window_size": {"value": 1_048_576},
}


def _dns(name: str, backend: Backend) -> api.ClusterLoadAssignment:
    address = {"socket_address": {"address": backend.dns, "port_value": backend.service.port}}
    return api.ClusterLoadAssignment(
        cluster_name=name, endpoints=[{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    )


def _tls(backend: Backend) -> api.TransportSocket:
    """Encrypted; without a trust not verified and without SNI, nginx's defaults for HTTPS and GRPCS backends."""
    alpn = ["h2"] if backend.protocol is Protocol.HTTP2 else ["http/1.1"]
    trust = backend.trust or Trust()
    context = api.UpstreamTlsContext(sni=trust.name or backend.dns, common_tls_context={"alpn_protocols": alpn})
    if trust.ca:
        kind = _IP_ADDRESS if _is_ip(trust.name) else _DNS
        judged = context.common_tls_context.validation_context
        judged.trusted_ca.filename = trust.ca
        judged.match_typed_subject_alt_names.add(san_type=kind, matcher={"exact": trust.name})
        context.sni = "" if kind == _IP_ADDRESS else trust.name
    if trust.chain:
        ours = context.common_tls_context.tls_certificates.add()
        ours.certificate_chain.filename, ours.private_key.filename = trust.chain, trust.key
    return api.TransportSocket(name="envoy.transport_sockets.tls", typed_config=api.pack(context))


_DNS, _IP_ADDRESS = 2, 4  # SubjectAltNameMatcher.SanType


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
