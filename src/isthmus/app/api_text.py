"""What can be called, and how, as text for people: a table of methods, lines to paste, addresses to open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isthmus.app.schema_keeper import Known
from isthmus.app.settings import Settings
from isthmus.edge.own_command import own_command
from isthmus.edge.schema_order import BASE, Line

_MOST_METHODS = 40
_MOST_LINES = 3


def api_text(settings: Settings, known: Iterable[Known]) -> str:
    """Several lines, without a last newline."""
    return "\n".join(_lines(settings, tuple(known)))


def _lines(settings: Settings, known: tuple[Known, ...]) -> Iterator[str]:
    by_path: dict[tuple[str, str], Line] = {}
    for line in (line for each in known if each.planned for line in each.planned.lines):
        by_path.setdefault((line.service, line.method), line)  # the server that is named first answers
    methods = list(by_path.values())
    base = f"http://{settings.http_address}"
    command = own_command()
    width = max((len(line.method) for line in methods), default=0)
    service = ""
    for line in methods[:_MOST_METHODS]:
        if line.service != service:
            service = line.service
            yield f"  {service}"
        rules = ", ".join(line.rules) or f"POST /{line.service}/{line.method}"
        yield f"    {line.method:<{width}}  {rules}{f'  ({line.kind})' if line.kind else ''}"
    if len(methods) > _MOST_METHODS:
        yield f"    ... and {len(methods) - _MOST_METHODS} more: {command} list {settings.http_address}"
    yield f"{_served(known)} on {base}"
    for line in sorted(methods, key=lambda each: bool(each.kind))[:_MOST_LINES]:
        yield f"  {line.curl.replace(BASE, base)}"
    if methods:
        first = methods[0]
        yield f"  {command} call {settings.http_address} {first.service}/{first.method}"
    port = settings.offering.explorer_port
    if port:
        yield f"Explorer  http://127.0.0.1:{port}/_isthmus/"
        if methods:
            yield f"OpenAPI   http://127.0.0.1:{port}/_isthmus/api/openapi.json"


def _served(known: tuple[Known, ...]) -> str:
    """Who can call; without a schema fewer can, and a server that cannot be used serves nobody."""
    if any(each.planned for each in known):
        return "gRPC, gRPC-Web, Connect, REST, WebSocket and reflection"
    if any(each.state == "unimplemented" for each in known):
        return "gRPC and gRPC-Web, without a schema,"
    return "no server can be used yet; the gateway is"
