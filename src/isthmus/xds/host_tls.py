"""What TLS means for single hosts, as filter chains of their own; all other hosts share the listener's default chain.

A chain says to the routes whose it is (STATE), so that what was judged for one host never counts for another. Envoy
replaces chains one by one: connections of the others never notice (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.ir.listener import HostTls
from isthmus.xds import api, names

STATE = "isthmus.host_tls"  # filter state of a connection: the host whose HostTls it was made under
_V3 = 2  # envoy.config.core.v3.ApiVersion.V3


def emit_chains(default: api.FilterChain, hosts: Iterable[HostTls]) -> list[api.FilterChain]:
    """One chain for each host; what a host does not say is as in the default chain."""
    return [_passed(tls) if tls.passthrough is not None else _terminated(default, tls) for tls in hosts]


def _terminated(default: api.FilterChain, tls: HostTls) -> api.FilterChain:
    chain = api.FilterChain(
        filters=[_state(tls.host)] if tls.clients is not None else [],
        transport_socket=default.transport_socket,
        transport_socket_connect_timeout=default.transport_socket_connect_timeout,
    )
    chain.filters.extend(default.filters)
    _take(chain, tls.host)
    context = api.DownstreamTlsContext.FromString(chain.transport_socket.typed_config.value)
    if tls.ciphers:
        context.common_tls_context.tls_params.cipher_suites.extend(tls.ciphers)
    context.prefer_client_ciphers = tls.client_order
    if tls.clients is not None:
        judged = context.common_tls_context.validation_context_sds_secret_config
        judged.name = names.authorities(tls.host)
        judged.sds_config.ads.SetInParent()
        judged.sds_config.resource_api_version = _V3
        context.require_client_certificate.value = False  # the routes refuse, in HTTP
    chain.transport_socket.typed_config.CopyFrom(api.pack(context))
    return chain


def _passed(tls: HostTls) -> api.FilterChain:
    assert tls.passthrough is not None
    cluster = names.cluster(tls.passthrough)
    proxy = api.TcpProxy(stat_prefix=cluster, cluster=cluster)
    chain = api.FilterChain(filters=[{"name": "envoy.filters.network.tcp_proxy", "typed_config": api.pack(proxy)}])
    _take(chain, tls.host)
    return chain


def _take(chain: api.FilterChain, host: str) -> None:
    chain.name = host
    chain.filter_chain_match.server_names.append(host)


def _state(host: str) -> dict[str, object]:
    value = {"object_key": STATE, "factory_key": "envoy.string", "format_string": _text(host)}
    return {
        "name": "envoy.filters.network.set_filter_state",
        "typed_config": api.pack(api.SetFilterState(on_new_connection=[value])),
    }


def _text(host: str) -> dict[str, object]:
    return {"text_format_source": {"inline_string": host}}  # a host name holds no percent sign
