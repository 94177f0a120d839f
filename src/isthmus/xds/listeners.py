"""Listeners: how clients connect, with defaults that are safe at an edge.

Nothing of a host is in the default chain: routes come as scopes, certificates by SNI over SDS, so adding a host or
rotating a certificate never drains a connection. Only hosts whose TLS differs have chains of their own (host_tls.py).
Sources: Envoy's edge best practices; docs/decisions/0001, 0002 and 0010.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from isthmus.ir.listener import HostTls, Listener
from isthmus.xds import api, names
from isthmus.xds.access_log import access_log
from isthmus.xds.filters import CHAIN
from isthmus.xds.host_tls import emit_chains
from isthmus.xds.local_replies import local_replies
from isthmus.xds.resources import LISTENER, Resource, resource

_BUFFER_BYTES = 32 * 1024
IDLE_MS = 60_000  # of a stream, for routes that do not say otherwise: nginx's default, and a timer less a request
_V3 = 2  # envoy.config.core.v3.ApiVersion.V3
_ADS = {"ads": {}, "resource_api_version": _V3}


class Edge(Struct, frozen=True):
    """What an operator may set about connections.

    `underscores` is what happens to header names that hold one; `escaped_slashes` what happens to paths with `%2F`.
    `trusted_hops` is how many proxies stand before us whose X-Forwarded-For and -Proto count. `secret` is this
    gateway's own: it keeps clients from what Envoy asks itself for. `access_log` is a file, or empty for none.
    """

    underscores: str = "reject"
    headers_timeout: timedelta = timedelta(seconds=10)
    max_concurrent_streams: int = 100
    escaped_slashes: str = "redirect"
    trusted_hops: int = 0
    secret: str = ""
    access_log: str = ""


def emit_listener(listener: Listener, edge: Edge, hosts: Sequence[HostTls] = ()) -> Resource:
    """One bound address that speaks HTTP/1.1 and HTTP/2, chosen by ALPN over TLS and by the preface in clear.

    `hosts` are those whose TLS is not as the listener's own.
    """
    hcm = _connection_manager(listener, edge)
    chain = api.FilterChain(
        filters=[{"name": "envoy.filters.network.http_connection_manager", "typed_config": api.pack(hcm)}]
    )
    if listener.tls:
        chain.transport_socket.CopyFrom(_tls())
        chain.transport_socket_connect_timeout.FromTimedelta(timedelta(seconds=3))
    message = api.Listener(
        name=listener.name,
        address={"socket_address": {"address": listener.address, "port_value": listener.port}},
        per_connection_buffer_limit_bytes={"value": _BUFFER_BYTES},
        enable_reuse_port={"value": False},  # two gateways on one port must fail, not share
        filter_chains=[chain, *(emit_chains(chain, hosts) if listener.tls else ())],
    )
    if listener.tls:
        name = "envoy.filters.listener.tls_inspector"
        message.listener_filters.add(name=name, typed_config=api.pack(api.TlsInspector()))
    return resource(LISTENER, listener.name, message)


def _connection_manager(listener: Listener, edge: Edge) -> api.HttpConnectionManager:
    hcm = api.HttpConnectionManager
    message = hcm(
        stat_prefix=listener.name,
        codec_type=hcm.AUTO,
        use_remote_address={"value": True},
        xff_num_trusted_hops=edge.trusted_hops,
        generate_request_id={"value": False},
        normalize_path={"value": True},
        merge_slashes=True,
        path_with_escaped_slashes_action=_ESCAPED_SLASHES[edge.escaped_slashes],
        strip_any_host_port=True,
        strip_trailing_host_dot=True,
        request_headers_timeout=edge.headers_timeout,
        stream_idle_timeout=timedelta(milliseconds=IDLE_MS),
        common_http_protocol_options={
            "idle_timeout": timedelta(hours=1),
            "headers_with_underscores_action": _UNDERSCORES[edge.underscores],
        },
        http2_protocol_options={
            "max_concurrent_streams": {"value": edge.max_concurrent_streams},
            "initial_stream_window_size": {"value": 65_536},
            "initial_connection_window_size": {"value": 1_048_576},
            "connection_keepalive": {"interval": timedelta(seconds=30), "timeout": timedelta(seconds=10)},
        },
        upgrade_configs=[{"upgrade_type": "websocket", "enabled": {"value": False}}],  # routes enable it
        local_reply_config=local_replies(),
        access_log=access_log(edge.access_log),
        scoped_routes=_scopes(listener),
    )
    for each in CHAIN:
        message.http_filters.add(name=each.name, typed_config=each.default(listener))
    return message


_ESCAPED_SLASHES = {"keep": 1, "reject": 2, "redirect": 3}  # PathWithEscapedSlashesAction
_UNDERSCORES = {"allow": 0, "reject": 1, "drop": 2}  # HttpProtocolOptions.HeadersWithUnderscoresAction


def _scopes(listener: Listener) -> dict[str, object]:
    """The scope's key is the host without its port, once for each fragment of the listener's keys."""
    extractor = {"header_value_extractor": {"name": ":authority", "element_separator": ":", "index": 0}}
    return {
        "name": "hosts",
        "rds_config_source": _ADS,
        "scope_key_builder": {"fragments": [extractor] * len(names.scope_key(listener.name, ""))},
        "scoped_rds": {"scoped_rds_config_source": _ADS},
    }


def _tls() -> api.TransportSocket:
    mapper = api.SniMapper(default_value="no-sni")
    selector = api.OnDemandSecretConfig(
        config_source=_ADS, certificate_mapper={"name": "sni", "typed_config": api.pack(mapper)}
    )
    context = api.DownstreamTlsContext(
        # The on-demand selector is not integrated with resumption; Envoy refuses it otherwise.
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
        common_tls_context={
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": api.TlsParameters.TLSv1_2},
            "custom_tls_certificate_selector": {"name": "sni", "typed_config": api.pack(selector)},
        },
    )
    return api.TransportSocket(name="envoy.transport_sockets.tls", typed_config=api.pack(context))
