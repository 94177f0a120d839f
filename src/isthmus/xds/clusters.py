"""Backends to clusters. Endpoints come over EDS under the cluster's own name.

Rule: limits are raised to what an edge needs, retries and ejection are left to those who ask for them.
"""

from __future__ import annotations

from datetime import timedelta

from isthmus.ir.backend import Backend, Balance, Protocol
from isthmus.xds import api, names
from isthmus.xds.resources import CLUSTER, Resource, resource
from isthmus.xds.upstream_tls import upstream_tls

_BUFFER_BYTES = 32 * 1024
_MANY = 1_000_000  # Envoy's default circuit breakers (1,024) are too low for an edge: backends and overload bound it


def emit_cluster(backend: Backend) -> Resource:
    """The cluster of a backend."""
    name = names.cluster(backend)
    message = api.Cluster(
        name=name,
        lb_policy=_POLICIES[backend.balance],
        connect_timeout=timedelta(milliseconds=backend.connect_timeout_ms),
        per_connection_buffer_limit_bytes={"value": _BUFFER_BYTES},
        circuit_breakers={"thresholds": [{limit: {"value": _MANY} for limit in _LIMITS}]},
    )
    if backend.dns or backend.address:
        message.type = api.Cluster.STRICT_DNS if backend.dns else api.Cluster.STATIC
        message.load_assignment.CopyFrom(_fixed(name, backend))
    else:
        message.type = api.Cluster.EDS
        message.eds_cluster_config.eds_config.ads.SetInParent()
        message.eds_cluster_config.eds_config.resource_api_version = _V3
    options = _protocol(backend)
    if options is not None:
        message.typed_extension_protocol_options[_HTTP].CopyFrom(api.pack(options))
    if backend.tls:
        message.transport_socket.CopyFrom(upstream_tls(backend))
    _limit(message, backend)
    return resource(CLUSTER, name, message)


def _protocol(backend: Backend) -> api.HttpProtocolOptions | None:
    """HTTP/2 and what connections may be used for; None for Envoy's own way, HTTP/1.1."""
    if backend.protocol is not Protocol.HTTP2 and not backend.requests_per_connection + backend.idle_connection_ms:
        return None
    http2 = backend.protocol is Protocol.HTTP2
    options = api.HttpProtocolOptions(
        explicit_http_config={"http2_protocol_options": _H2} if http2 else {"http_protocol_options": {}}
    )
    if backend.requests_per_connection:
        options.common_http_protocol_options.max_requests_per_connection.value = backend.requests_per_connection
    if backend.idle_connection_ms:
        options.common_http_protocol_options.idle_timeout.FromMilliseconds(backend.idle_connection_ms)
    return options


def _limit(message: api.Cluster, backend: Backend) -> None:
    """What keeps an endpoint from being overrun, or from getting requests that it fails."""
    if backend.max_connections:
        message.circuit_breakers.per_host_thresholds.add(max_connections={"value": backend.max_connections})
    if backend.ejection is not None:
        message.outlier_detection.CopyFrom(
            api.OutlierDetection(
                consecutive_5xx={"value": 0},
                enforcing_consecutive_5xx={"value": 0},
                split_external_local_origin_errors=True,
                consecutive_local_origin_failure={"value": backend.ejection.failures},
                enforcing_consecutive_local_origin_failure={"value": 100},
                enforcing_success_rate={"value": 0},
                base_ejection_time=timedelta(seconds=backend.ejection.seconds),
                max_ejection_time=timedelta(seconds=backend.ejection.seconds),
                max_ejection_percent={"value": 100},
                interval=timedelta(seconds=1),
            )
        )
    if backend.slow_start_ms:
        least = backend.balance is Balance.LEAST_REQUEST
        config = message.least_request_lb_config if least else message.round_robin_lb_config
        config.slow_start_config.slow_start_window.FromMilliseconds(backend.slow_start_ms)


_POLICIES = {  # Cluster.LbPolicy
    Balance.ROUND_ROBIN: 0,
    Balance.LEAST_REQUEST: 1,
    Balance.HASH: 2,
    Balance.RANDOM: 3,
}
_LIMITS = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
_V3 = 2  # envoy.config.core.v3.ApiVersion.V3
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_H2 = {
    "initial_stream_window_size": {"value": 65_536},
    "initial_connection_window_size": {"value": 1_048_576},
}


def _fixed(name: str, backend: Backend) -> api.ClusterLoadAssignment:
    socket = {"address": backend.dns or backend.address, "port_value": backend.service.port}
    endpoint = {"endpoint": {"address": {"socket_address": socket}}}
    return api.ClusterLoadAssignment(cluster_name=name, endpoints=[{"lb_endpoints": [endpoint]}])
