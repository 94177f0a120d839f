"""A schema as people see it when a gateway is ready: every method, how it is called, and a line to paste."""

from __future__ import annotations

from isthmus.edge.schema_order import BASE, Line
from isthmus.schema import descriptors
from isthmus.schema.model import Method, Schema
from isthmus.schema.samples import curl

_MOST = 200  # methods; more is nothing to read in a terminal


def lines_of(schema: Schema) -> tuple[Line, ...]:
    """The first methods, in order."""
    pool = descriptors.load(schema.descriptor_set)
    return tuple(
        Line(
            service=method.service,
            method=method.name,
            kind=_kind(method),
            rules=tuple(f"{rule.verb} {rule.template}" for rule in method.bindings if rule.source != "default"),
            curl=curl(method.bindings[0], method, pool, BASE),
        )
        for method in schema.methods[:_MOST]
    )


def _kind(method: Method) -> str:
    kinds = {
        (False, False): "",
        (False, True): "server stream",
        (True, False): "client stream",
        (True, True): "bidirectional",
    }
    return kinds[method.client_streaming, method.server_streaming]
