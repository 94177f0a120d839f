"""What turns a client's protocol into gRPC on one route: filters that a route brings along itself.

Envoy's composite filter runs them when the route is known, on wildcard hosts too. gRPC-Web is Envoy's own filter.
Connect with protobuf bodies is Envoy's bridge, with what it leaves out put right: the header that it wants of
clients, percent-encoded error messages, and error details whose type is a URL.
"""

from __future__ import annotations

import importlib.resources

from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts

FILTER = HttpFilter("isthmus.client_protocol", lambda _: api.pack(api.Composite()), per_host=off_for_exact_hosts)


def grpc_web() -> api.Any:
    """gRPC-Web, binary and text."""
    return run(("grpc_web", api.pack(api.GrpcWeb())))


def connect() -> api.Any:
    """Connect with protobuf bodies, unary and streaming."""
    header = {"header": {"key": "connect-protocol-version", "value": "1"}, "append_action": _OVERWRITE}
    return run(
        ("version", api.pack(api.HeaderMutation(mutations={"request_mutations": [{"append": header}]}))),
        ("bridge", api.pack(api.ConnectGrpcBridge())),
        ("errors", api.pack(api.Lua(default_source_code={"inline_string": _script()}))),
    )


_OVERWRITE = 2  # HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD


def _script() -> str:
    """Constant: nothing of a manifest or a schema ever becomes code."""
    return importlib.resources.files(__package__).joinpath("connect_errors.lua").read_text()


def run(*filters: tuple[str, api.Any]) -> api.Any:
    """A route's own filters, in the order in which they see the request."""
    chain = {"typed_config": [{"name": name, "typed_config": config} for name, config in filters]}
    action = {"name": "run", "typed_config": api.pack(api.ExecuteFilterAction(filter_chain=chain))}
    return api.pack(api.CompositePerRoute(matcher={"on_no_match": {"action": action}}))
