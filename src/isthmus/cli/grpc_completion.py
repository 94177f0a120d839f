"""What a shell offers for the services, methods and symbols of the server on the command line.

Rule: it answers within a second or so, and with nothing where the server cannot be asked; a shell never sees an error.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import click

_SECONDS = 1.0
_KEY = "isthmus.described"


def complete_services(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Services."""
    return _complete(ctx, incomplete, lambda found: iter(found.services))


def complete_methods(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Methods, as package.Service/Method; with a dot where that is what has been typed."""
    slash = _complete(ctx, incomplete, lambda found: _methods(found, "/"))
    return slash or _complete(ctx, incomplete, lambda found: _methods(found, "."))


def complete_symbols(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Services, methods, messages and enums."""
    return _complete(ctx, incomplete, _symbols)


def _complete(ctx: click.Context, incomplete: str, names: Callable[[Any], Iterator[str]]) -> list[str]:
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return _names(ctx, incomplete, names)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever it is, it is not for the middle of a command line
        return []


def _names(ctx: click.Context, incomplete: str, names: Callable[[Any], Iterator[str]]) -> list[str]:
    found = ctx.meta.get(_KEY) or _described(ctx)
    ctx.meta[_KEY] = found  # asked once for each completion
    return sorted({name for name in names(found) if name.startswith(incomplete)})


def _described(ctx: click.Context) -> Any:
    from isthmus.cli.grpc_options import ServerOptions
    from isthmus.cli.grpc_session import describe_server

    given = {name: value for name, value in ctx.params.items() if name in ServerOptions._fields and value is not None}
    options = ServerOptions(**given)._replace(connect_timeout=_SECONDS, max_time=_SECONDS, protoset_out="")
    return describe_server(ctx.params.get("address") or "", options, lambda _: None)


def _methods(found: Any, dot: str) -> Iterator[str]:
    from isthmus.schema.descriptors import load

    pool = load(found.assembled.descriptor_set)
    for service in found.assembled.services:
        for method in pool.FindServiceByName(service).methods:
            yield f"{service}{dot}{method.name}"


def _symbols(found: Any) -> Iterator[str]:
    from isthmus.schema.descriptors import files_of

    yield from found.assembled.services
    yield from _methods(found, ".")
    for file in files_of(found.assembled.descriptor_set).file:
        names = (*(each.name for each in file.message_type), *(each.name for each in file.enum_type))
        yield from (f"{file.package}.{name}" if file.package else name for name in names)
