"""What turns a client's protocol into gRPC on one route: filters that the route names.

Envoy's composite filter runs them when the route is known, on wildcard hosts too. gRPC-Web is Envoy's own filter.
Connect with protobuf bodies is Envoy's bridge, with what it leaves out put right: the header that it wants of
clients, percent-encoded error messages, and error details whose type is a URL.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Sequence

from isthmus.ir.listener import Listener
from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts
from isthmus.xds.text import OVERWRITE

GRPC_WEB, CONNECT = "grpc-web", "connect"


def _named(_: Listener) -> api.Any:
    """The chains that routes name. They stand here once: a long table of routes holds many copies of a route."""
    version = {"header": {"key": "connect-protocol-version", "value": "1"}, "append_action": OVERWRITE}
    mutation = api.HeaderMutation(mutations={"request_mutations": [{"append": version}]})
    connect = [
        ("version", api.pack(mutation)),
        ("bridge", api.pack(api.ConnectGrpcBridge())),
        ("errors", api.pack(api.Lua(default_source_code={"inline_string": _script()}))),
    ]
    chains = {GRPC_WEB: _chain([("grpc_web", api.pack(api.GrpcWeb()))]), CONNECT: _chain(connect)}
    return api.pack(api.Composite(named_filter_chains=chains))


FILTER = HttpFilter("isthmus.client_protocol", _named, per_host=off_for_exact_hosts)


def _script() -> str:
    """Constant: nothing of a manifest or a schema ever becomes code."""
    return importlib.resources.files(__package__).joinpath("connect_errors.lua").read_text()


@functools.cache
def named(chain: str) -> api.Any:
    """A route's configuration: run one of the listener's chains."""
    return _run(api.ExecuteFilterAction(filter_chain_name=chain))


def _chain(filters: Sequence[tuple[str, api.Any]]) -> dict[str, object]:
    return {"typed_config": [{"name": name, "typed_config": config} for name, config in filters]}


def _run(execute: api.ExecuteFilterAction) -> api.Any:
    action = {"name": "run", "typed_config": api.pack(execute)}
    return api.pack(api.CompositePerRoute(matcher={"on_no_match": {"action": action}}))
