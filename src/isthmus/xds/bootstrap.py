"""What Envoy is told when it starts: who it is, where the control plane listens, and how much it may take on.

Everything else comes over ADS. May not know how Envoy is run or what is served. Rule: settings in, a value that
`json.dumps` takes out. Sources: Envoy's edge best practices and overload manager; one reason per setting below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Json = Mapping[str, object]

ADS_CLUSTER = "ads"
AUTHORIZATION = "isthmus-authorization"  # gRPC: ext_authz
OWN_HTTP, OWN_HTTPS = "isthmus-own-http", "isthmus-own-https"  # this gateway, as a client sees it
ADAPTER = "isthmus-adapter"  # HTTP/1.1 and WebSocket
ADAPTER_GRPC = "isthmus-adapter-grpc"
CLUSTER_HEADER = "x-isthmus-cluster"
QUESTION_HEADER = "x-isthmus-question"  # on requests of the authorization helper, which are HTTP/1.1
INITIAL_BACKOFF, MAXIMUM_BACKOFF = "0.050s", "0.250s"  # a restarted control plane is found again at once

_TYPE = "type.googleapis.com/"
_HEAP = "envoy.resource_monitors.fixed_heap"
_CONNECTIONS = "envoy.resource_monitors.global_downstream_max_connections"

# Counters and gauges cost memory for every cluster: keep those that a dashboard, an alert or the drain reads.
_KEPT_PREFIXES = ("cluster_manager.", "control_plane.", "listener_manager.", "overload.", "server.")
_KEPT = {
    "downstream_cx_": "active total length_ms overload_reject protocol_error idle_timeout upgrades_active",
    "downstream_rq_": "active total time 1xx 2xx 3xx 4xx 5xx rx_reset tx_reset overload_close header_timeout",
    "upstream_cx_": "active total connect_fail connect_timeout connect_ms overflow destroy_remote_with_active_rq",
    "upstream_rq_": "active total time 1xx 2xx 3xx 4xx 5xx timeout retry pending_overflow rx_reset tx_reset",
    "membership_": "total healthy",
    "update_": "rejected failure",
    "ssl.": "handshake connection_error fail_verify_error fail_verify_san",
    "downstream_": "global_cx_overflow",
}


class Sockets(NamedTuple):
    """Paths of the Unix sockets on which the processes of one gateway meet.

    `ads`: the control plane. `admin`: Envoy's admin interface. `adapter` and `adapter_grpc`: the adapter, for HTTP/1.1
    with WebSocket and for gRPC. `egress`: Envoy, for calls of backends by the other processes. `authorization`: the
    authorization helper.
    """

    ads: str
    admin: str
    adapter: str
    adapter_grpc: str
    egress: str
    authorization: str


class Own(NamedTuple):
    """Where the gateway itself listens, for questions that lead back to it; port 0 is nowhere."""

    address: str = "127.0.0.1"
    http_port: int = 0
    https_port: int = 0


_NOWHERE = Own()


def bootstrap(
    sockets: Sockets, node_id: str, max_heap_bytes: int, max_connections: int = 50_000, own: Own = _NOWHERE
) -> Json:
    """The bootstrap as a JSON object. Load it with `envoy -c FILE.json`."""
    return {
        "node": {"id": node_id, "cluster": "isthmus"},
        "admin": {"address": {"pipe": {"path": sockets.admin, "mode": 0o600}}},
        "dynamic_resources": _dynamic_resources(),
        "static_resources": {
            "clusters": [
                _ads_cluster(sockets.ads),
                _adapter_cluster(ADAPTER, sockets.adapter),
                _adapter_cluster(ADAPTER_GRPC, sockets.adapter_grpc, http2=True),
                _adapter_cluster(AUTHORIZATION, sockets.authorization, http2=True),
                *_own_clusters(own),
            ],
            "listeners": [_egress(sockets.egress)],
        },
        "overload_manager": _overload(max_heap_bytes, max_connections),
        "layered_runtime": {"layers": [{"name": "edge", "static_layer": _runtime()}]},
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": _kept_stats()}}},
        "stats_flush_on_admin": True,  # nobody is pushed to: no timer walks over all of them
        "deferred_stat_options": {"enable_deferred_creation_stats": True},  # a cluster pays when it is used
    }


def _dynamic_resources() -> Json:
    over_ads = {"ads": {}, "resource_api_version": "V3"}
    backoff = {"base_interval": INITIAL_BACKOFF, "max_interval": MAXIMUM_BACKOFF}
    service = {"envoy_grpc": {"cluster_name": ADS_CLUSTER, "retry_policy": {"retry_back_off": backoff}}}
    return {
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": True,
            "grpc_services": [service],
        },
        "lds_config": over_ads,
        "cds_config": over_ads,
    }


def _ads_cluster(ads_socket: str) -> Json:
    endpoint = {"endpoint": {"address": {"pipe": {"path": ads_socket}}}}
    # A control plane that hangs, rather than dies, is noticed by its silence.
    http2 = {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
    options = {
        "@type": _TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": http2},
    }
    return {
        "name": ADS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": ADS_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }


def _adapter_cluster(name: str, socket: str, http2: bool = False) -> Json:
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    protocol: Json = {"http2_protocol_options": {}} if http2 else {"http_protocol_options": {}}
    options = {
        "@type": _TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": protocol,
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }


def _own_clusters(own: Own) -> list[Json]:
    """The gateway's own listeners. Over TLS the name that is asked for chooses the certificate; nothing is judged."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(own.address, own.address)
    tls = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": _TYPE + "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"},
    }
    options = {
        "@type": _TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {}},
        "upstream_http_protocol_options": {"auto_sni": True},
    }
    found: list[Json] = []
    for name, port, extra in ((OWN_HTTP, own.http_port, {}), (OWN_HTTPS, own.https_port, {"transport_socket": tls})):
        endpoint = {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        cluster = {
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
            **extra,
        }
        found += [cluster] if port else []
    return found


def _egress(socket: str) -> Json:
    """Where the other processes call backends through Envoy: a header names the cluster.

    The socket is private to this user, so that nobody else can choose a backend.
    """
    route = {
        "match": {"prefix": "/"},
        "route": {
            "cluster_header": CLUSTER_HEADER,
            "timeout": "0s",
            "max_stream_duration": {"grpc_timeout_header_max": "0s"},
        },
        "request_headers_to_remove": [CLUSTER_HEADER],
    }
    # What Envoy adds about the helper's own connection would tell the server something wrong about the client's.
    added = ["x-forwarded-proto", "x-envoy-internal", "x-envoy-external-address"]
    question = {
        "match": {"prefix": "/", "headers": [{"name": QUESTION_HEADER, "present_match": True}]},
        "route": {"cluster_header": CLUSTER_HEADER, "timeout": "60s"},
        "request_headers_to_remove": [CLUSTER_HEADER, QUESTION_HEADER, *added],
    }
    virtual_host = {"name": "egress", "domains": ["*"], "routes": [question, route]}
    router = {"@type": _TYPE + "envoy.extensions.filters.http.router.v3.Router", "suppress_envoy_headers": True}
    manager = {
        "@type": _TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "egress",
        "codec_type": "AUTO",
        "server_header_transformation": "PASS_THROUGH",  # a backend's metadata are its own
        "generate_request_id": False,
        "stream_idle_timeout": "0s",  # whoever called the adapter has a limit already
        "route_config": {"name": "egress", "virtual_hosts": [virtual_host]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    http = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    return {
        "name": "egress",
        "address": {"pipe": {"path": socket, "mode": 0o600}},
        "filter_chains": [{"filters": [http]}],
    }


def _overload(max_heap_bytes: int, max_connections: int) -> Json:
    """Give memory back, then drop keep-alive, then the heaviest streams, then new connections, then requests."""
    heap = _TYPE + "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig"
    count = _TYPE + "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "refresh_interval": "0.25s",
        # Without accounts of at least 1 MiB no stream can be named as the heavy one.
        "buffer_factory_config": {"minimum_account_to_track_power_of_two": 20},
        "resource_monitors": [
            {"name": _HEAP, "typed_config": {"@type": heap, "max_heap_size_bytes": max_heap_bytes}},
            {
                "name": _CONNECTIONS,
                "typed_config": {"@type": count, "max_active_downstream_connections": max_connections},
            },
        ],
        "actions": [
            _at("envoy.overload_actions.shrink_heap", 0.90),
            _at("envoy.overload_actions.disable_http_keepalive", 0.92),
            _between("envoy.overload_actions.reset_high_memory_stream", 0.90, 0.98),
            _at("envoy.overload_actions.stop_accepting_requests", 0.97),
        ],
        "loadshed_points": [_at("envoy.load_shed_points.tcp_listener_accept", 0.95)],
    }


def _at(name: str, share_of_heap: float) -> Json:
    return {"name": name, "triggers": [{"name": _HEAP, "threshold": {"value": share_of_heap}}]}


def _between(name: str, low: float, high: float) -> Json:
    scaled = {"scaling_threshold": low, "saturation_threshold": high}
    return {"name": name, "triggers": [{"name": _HEAP, "scaled": scaled}]}


def _runtime() -> Json:
    return {
        # One connection that sends many requests in one read may not starve its neighbours on the worker.
        "http.max_requests_per_io_cycle": 32,
        # A regular expression that compiles to more has its whole host refused. The longest HTTP rule (2,000
        # characters) compiles to 4,000 and a hundred names of headers to 1,400; matching takes linear time anyway.
        "re2.max_program_size.error_level": 20_000,
    }


def _kept_stats() -> list[Json]:
    suffixes = [f".{group}{name}" for group, names in _KEPT.items() for name in names.split()]
    return [*({"prefix": text} for text in _KEPT_PREFIXES), *({"suffix": text} for text in suffixes)]
