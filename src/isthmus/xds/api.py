"""Envoy's message classes, made from the descriptors of the very Envoy that is installed.

The descriptors are read out of the binary when the environment or the wheel is built (tools/envoy_messages.py),
together with api.pyi, which mypy checks every use against. A new message is a line in MESSAGES and `make venv`.
The pool is private, so that nothing else in the process can collide with it; it is loaded on first use.
"""

from __future__ import annotations

import functools
import importlib.resources
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

MESSAGES = {
    "Any": "google.protobuf.Any",
    "Cluster": "envoy.config.cluster.v3.Cluster",
    "ClusterLoadAssignment": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "DeltaDiscoveryRequest": "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    "DeltaDiscoveryResponse": "envoy.service.discovery.v3.DeltaDiscoveryResponse",
    "DirectResponseAction": "envoy.config.route.v3.DirectResponseAction",
    "DownstreamTlsContext": "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    "EarlyHeaderMutation": "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
    "FilterChain": "envoy.config.listener.v3.FilterChain",
    "FilterConfig": "envoy.config.route.v3.FilterConfig",
    "HeaderMutationFilter": "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    "HeaderValueOption": "envoy.config.core.v3.HeaderValueOption",
    "HttpConnectionManager": ("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    "HttpProtocolOptions": "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "HttpRequestHeaderMatchInput": "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
    "Listener": "envoy.config.listener.v3.Listener",
    "Matcher": "xds.type.matcher.v3.Matcher",
    "OnDemandSecretConfig": "envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3.Config",
    "RedirectAction": "envoy.config.route.v3.RedirectAction",
    "Route": "envoy.config.route.v3.Route",
    "RouteAction": "envoy.config.route.v3.RouteAction",
    "RouteConfiguration": "envoy.config.route.v3.RouteConfiguration",
    "RouteList": "envoy.config.route.v3.RouteList",
    "RouteMatch": "envoy.config.route.v3.RouteMatch",
    "Router": "envoy.extensions.filters.http.router.v3.Router",
    "ScopedRouteConfiguration": "envoy.config.route.v3.ScopedRouteConfiguration",
    "Secret": "envoy.extensions.transport_sockets.tls.v3.Secret",
    "SetFilterState": "envoy.extensions.filters.http.set_filter_state.v3.Config",
    "SniMapper": "envoy.extensions.transport_sockets.tls.cert_mappers.sni.v3.SNI",
    "StringMatcher": "envoy.type.matcher.v3.StringMatcher",
    "TlsInspector": "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "TlsParameters": "envoy.extensions.transport_sockets.tls.v3.TlsParameters",
    "TransportSocket": "envoy.config.core.v3.TransportSocket",
    "TypedExtensionConfig": "envoy.config.core.v3.TypedExtensionConfig",
    "UpstreamTlsContext": "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    "VirtualHost": "envoy.config.route.v3.VirtualHost",
}
DESCRIPTORS = "_envoy.binpb"
_URL = "type.googleapis.com/"


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    found = importlib.resources.files("isthmus.xds") / DESCRIPTORS
    if not found.is_file():
        raise RuntimeError(f"isthmus/xds/{DESCRIPTORS} is missing: run make venv, or build the wheel")
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(found.read_bytes()).file:  # dependencies come first
        pool.AddSerializedFile(file.SerializeToString())
    return pool


@functools.cache
def _class(full_name: str) -> type[Message]:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(full_name))


def __getattr__(name: str) -> Any:
    if name not in MESSAGES:
        raise AttributeError(f"{name} is not among the MESSAGES of {__name__}")
    found = globals()[name] = _class(MESSAGES[name])
    return found


def pack(message: Message) -> Any:
    """The message in a google.protobuf.Any, serialised deterministically."""
    value = message.SerializeToString(deterministic=True)
    return __getattr__("Any")(type_url=_URL + message.DESCRIPTOR.full_name, value=value)


def message(type_url: str, body: bytes) -> Message:
    """The message of an Any."""
    return _class(type_url.removeprefix(_URL)).FromString(body)


def to_dict(value: Message) -> dict[str, Any]:
    """The message in protobuf's JSON form with the field names of Envoy's documentation; defaults are left out."""
    found: dict[str, Any] = json_format.MessageToDict(value, preserving_proto_field_name=True, descriptor_pool=_pool())
    return found
