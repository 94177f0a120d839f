"""What can be called, and how, as text for people: a table of methods, lines to paste, addresses to open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isthmus.app.schema_keeper import Known
from isthmus.app.settings import Settings
from isthmus.edge.schema_order import BASE, Line

_MOST_METHODS = 40
_MOST_LINES = 3


def api_text(settings: Settings, known: Iterable[Known]) -> str:
    """Several lines, without a last newline."""
    return "\n".join(_lines(settings, [line for each in known if each.planned for line in each.planned.lines]))


def _lines(settings: Settings, methods: list[Line]) -> Iterator[str]:
    base = f"http://{settings.http_address}"
    width = max((len(line.method) for line in methods), default=0)
    service = ""
    for line in methods[:_MOST_METHODS]:
        if line.service != service:
            service = line.service
            yield f"  {service}"
        rules = ", ".join(line.rules) or f"POST /{line.service}/{line.method}"
        yield f"    {line.method:<{width}}  {rules}{f'  ({line.kind})' if line.kind else ''}"
    if len(methods) > _MOST_METHODS:
        yield f"    ... and {len(methods) - _MOST_METHODS} more: isthmus list {settings.http_address}"
    yield f"gRPC, gRPC-Web, Connect, REST, WebSocket and reflection on {base}"
    for line in sorted(methods, key=lambda each: bool(each.kind))[:_MOST_LINES]:
        yield f"  {line.curl.replace(BASE, base)}"
    if methods:
        first = methods[0]
        yield f"  isthmus call {settings.http_address} {first.service}/{first.method}"
    port = settings.offering.explorer_port
    if port:
        yield f"Explorer  http://127.0.0.1:{port}/_isthmus/"
        yield f"OpenAPI   http://127.0.0.1:{port}/_isthmus/api/openapi.json"
