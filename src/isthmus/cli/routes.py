"""`isthmus routes`: what is served, as a table or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, assert_never

import click

from isthmus.app.offline import Offline
from isthmus.cli.notes import NOTHING_SERVED, nothing_read, tell_errors
from isthmus.cli.options import manifests, settings_of
from isthmus.cli.reading import read
from isthmus.ir.action import Action, Forward, Redirect, Respond, SendTo
from isthmus.ir.backend import Backend, Protocol
from isthmus.ir.match import Exact, Match, Pattern, Prefix, SegmentPrefix
from isthmus.ir.template import written

Row = dict[str, str]
_COLUMNS = ("listener", "host", "path", "protocol", "endpoints", "backend", "from")


@click.command("routes")
@manifests
@click.option("-o", "--output", type=click.Choice(["table", "wide", "json"]), default="table")
def command(
    paths: tuple[str, ...],
    classes: tuple[str, ...],
    endpoints: tuple[str, ...],
    allow_external_name: bool,
    output: str,
    **options: Any,
) -> None:
    """List what is served, in the order in which rules are tried.

    \b
    isthmus routes -f examples/demo
    isthmus routes -f examples/demo -o json | jq -r '.routes[].host' | sort -u
    """
    controller = (options["controller_config"], options["without"])
    settings = settings_of(paths, classes, endpoints, allow_external_name, *controller)
    offline = read(settings, paths)
    tell_errors(offline, paths)
    found = list(rows(offline))
    if output == "json":
        click.echo(json.dumps({"schema": "isthmus.routes/v1", "routes": found}, indent=2))
        return
    if not found:
        click.echo(nothing_read(offline, paths) or NOTHING_SERVED, err=True)
        return
    print_table(_COLUMNS if output == "wide" else _COLUMNS[:-1], found)


def print_table(columns: tuple[str, ...], found: list[Row]) -> None:
    """Columns as wide as their content, upper-case heads, as kubectl prints them."""
    widths = {name: max([len(name), *(len(row[name]) for row in found)]) for name in columns}
    for row in ({name: name.upper() for name in columns}, *found):
        click.echo("  ".join(row[name].ljust(widths[name]) for name in columns).rstrip())


def rows(offline: Offline) -> Iterator[Row]:
    """One row a route."""
    memo = offline.pipeline.memo
    for host in sorted(memo.hosts):
        for config in memo.hosts[host].hosts:
            for route in config.routes:
                backend = route.action.backend if isinstance(route.action, Forward) else None
                found = memo.endpoints.get(backend.service) if backend else None
                pos = offline.place(route.origin.ref, route.origin.path)
                yield {
                    "listener": config.listener,
                    "host": host,
                    "path": _path(route.match),
                    "protocol": _protocol(route.action),
                    "backend": _action(route.action),
                    "endpoints": str(len(found.addresses)) if found else "",
                    "from": f"{route.origin.ref}" + (f" ({pos})" if pos else ""),
                }


def _path(match: Match) -> str:
    path = match.path
    match path:
        case Exact():
            text = f"={path.path}"
        case SegmentPrefix():
            text = f"{path.path.rstrip('/')}/*"
        case Prefix():
            text = f"{path.path}*"
        case Pattern():
            text = f"~{path.shown}"
        case _:
            assert_never(path)
    only = ["gRPC"] if match.grpc else []
    for each in match.conditions:
        sign = "!=" if each.negated else "="
        only.append(f"{each.source} {each.name}{sign}{'~' if each.regex else ''}{each.value}")
    return f"{text} ({', '.join(only)})" if only else text


def _protocol(action: Action) -> str:
    """How the backend is spoken to, and `api` where clients of every protocol may call it."""
    if not isinstance(action, Forward):
        return ""
    backend = action.backend
    name = "h2" if backend.protocol is Protocol.HTTP2 else "http/1.1"
    return name + ("+tls" if backend.tls else "") + (" api" if action.api else "")


def _backend(backend: Backend) -> str:
    ref = backend.service
    return backend.dns or f"{ref.namespace}/{ref.service}:{ref.port}"


def _action(action: Action) -> str:
    match action:
        case Forward(backend):
            shares = [(backend, action.weight), *((each.backend, each.weight) for each in action.splits)]
            whole = sum(weight for _, weight in shares) or 1
            return ", ".join(
                _backend(each) + (f" {100 * weight / whole:.3g}%" if action.splits else "") for each, weight in shares
            )
        case Redirect(port, status):
            return f"{status} to https" + (f" port {port}" if port != 443 else "")
        case SendTo(location, status):
            return f"{status} to {written(location)}"
        case Respond(status, reason):
            return f"{status} {reason}"
        case _:
            assert_never(action)
