"""The listeners' edge defaults, leaf by leaf: a change of one of these is a change of what is safe."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from isthmus.ir.listener import HTTP, HTTPS, Listener
from isthmus.xds import api
from isthmus.xds.filters import client_protocol, unknown_host
from isthmus.xds.listeners import Edge, emit_listener


def listener(tls: bool) -> Any:
    made = emit_listener(Listener(HTTPS if tls else HTTP, "127.0.0.1", 8443, tls), Edge())
    return api.Listener.FromString(made.body)


def manager(message: Any) -> Any:
    return api.HttpConnectionManager.FromString(message.filter_chains[0].filters[0].typed_config.value)


@pytest.mark.parametrize("tls", [False, True])
def test_safe_defaults(tls: bool) -> None:
    message = listener(tls)
    hcm = manager(message)
    assert message.per_connection_buffer_limit_bytes.value == 32 * 1024
    assert not message.enable_reuse_port.value
    assert hcm.use_remote_address.value
    assert hcm.normalize_path.value
    assert hcm.merge_slashes
    assert hcm.path_with_escaped_slashes_action == api.HttpConnectionManager.UNESCAPE_AND_REDIRECT
    assert hcm.strip_any_host_port
    assert hcm.request_headers_timeout.ToTimedelta() == timedelta(seconds=10)
    assert not hcm.HasField("request_timeout")  # a total limit would cut streams
    assert hcm.common_http_protocol_options.headers_with_underscores_action == 1  # REJECT_REQUEST
    http2 = hcm.http2_protocol_options
    assert http2.max_concurrent_streams.value == 100
    assert http2.initial_stream_window_size.value == 64 * 1024
    assert http2.initial_connection_window_size.value == 1024 * 1024
    assert http2.connection_keepalive.interval.ToTimedelta() == timedelta(seconds=30)


def test_certificates_are_chosen_by_sni_and_nothing_of_a_host_is_in_the_listener() -> None:
    chain = listener(True).filter_chains[0]
    context = api.DownstreamTlsContext.FromString(chain.transport_socket.typed_config.value)
    common = context.common_tls_context
    assert list(common.alpn_protocols) == ["h2", "http/1.1"]
    assert common.tls_params.tls_minimum_protocol_version == api.TlsParameters.TLSv1_2
    assert common.HasField("custom_tls_certificate_selector")
    assert chain.transport_socket_connect_timeout.ToTimedelta() == timedelta(seconds=3)
    assert not listener(False).filter_chains[0].HasField("transport_socket")


def test_the_only_code_is_constant() -> None:
    filters = {each.name: each.typed_config for each in manager(listener(True)).http_filters}
    assert list(filters)[-1] == "envoy.filters.http.router"
    assert not [name for name, body in filters.items() if re.search("lua|wasm|dynamic_modules", body.type_url)]
    code = {name: body for name, body in filters.items() if b".lua." in body.value}
    constant = (unknown_host.FILTER, client_protocol.FILTER)
    assert code == {each.name: each.default(Listener("other", "::", 1)) for each in constant}


@pytest.mark.parametrize(("word", "action"), [("allow", 0), ("reject", 1), ("drop", 2)])
def test_underscores_are_the_operator_s_choice(word: str, action: int) -> None:
    made = emit_listener(Listener(HTTP, "127.0.0.1", 80), Edge(underscores=word))
    hcm = manager(api.Listener.FromString(made.body))
    assert hcm.common_http_protocol_options.headers_with_underscores_action == action
