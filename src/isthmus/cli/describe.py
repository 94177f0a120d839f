"""`isthmus describe`: services, methods, messages and enums of a server as they are declared."""

from __future__ import annotations

import json
from typing import Any

import click

from isthmus.cli.grpc_completion import complete_symbols
from isthmus.cli.grpc_options import GrpcCommand, options_from, server_options
from isthmus.cli.grpcurl_flags import leave_unused, unused
from isthmus.cli.list import _nothing, _say


@click.command("describe", cls=GrpcCommand)
@server_options
@unused
@click.option("--msg-template", is_flag=True, help="Show a message as JSON too, to be filled in.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
@click.option("-v", "--verbose", is_flag=True, help="Say what the server was found to speak.")
@click.argument("address", default="")
@click.argument("symbol", default="", shell_complete=complete_symbols)
def command(address: str, symbol: str, msg_template: bool, output: str, verbose: bool, **given: Any) -> None:
    """Show SYMBOL, a service, method, message, field or enum; all services without it.

    \b
    isthmus describe localhost:50051
    isthmus describe localhost:50051 helloworld.HelloRequest -msg-template
    """
    from isthmus.cli.grpc_session import describe_server, files_of, missing, write_out
    from isthmus.schema.descriptors import comments, load
    from isthmus.schema.plan import make_schema
    from isthmus.schema.source_text import find, kind_of, source_of

    leave_unused(given)
    options = options_from(given)
    if files_of(options).given and address and not symbol and ":" not in address:
        address, symbol = "", address
    found = describe_server(address, options, _say if verbose else _nothing)
    pool = load(found.assembled.descriptor_set)
    words = comments(found.assembled.descriptor_set)
    files = _files(found.assembled.descriptor_set)
    rules = {method.path: method.bindings for method in make_schema(files, services=found.assembled.services).methods}
    shown: list[dict[str, str]] = []
    names = [symbol] if symbol else sorted(found.assembled.services)
    for name in names:
        wanted = find(pool, name)
        if wanted is None:
            raise missing(f"there is no symbol {name}{_meant(name, files)}", found)
        shown.append({"name": name, "kind": kind_of(wanted), "source": source_of(wanted, words, rules)})
        if msg_template and kind_of(wanted) == "a message":
            shown[-1]["template"] = _template(pool, name)
    write_out(found, names, options)
    if output == "json":
        print(json.dumps(shown))
        return
    for each in shown:
        print(f"{each['name']} is {each['kind']}:\n{each['source']}")
        if "template" in each:
            print(f"\nMessage template:\n{each['template']}")


def _files(descriptor_set: bytes) -> list[bytes]:
    from isthmus.schema.descriptors import files_of

    return [file.SerializeToString() for file in files_of(descriptor_set).file]


def _meant(name: str, files: list[bytes]) -> str:
    """What the symbol is probably called; people leave packages out, and misspell."""
    from difflib import get_close_matches

    from isthmus.schema.descriptors import symbols_of

    known = {each.lower(): each for each in symbols_of(files)}
    wanted = name.lstrip(".").replace("/", ".").lower()
    near = [each for each in known if each.endswith(f".{wanted}")] or get_close_matches(wanted, known, 1, 0.8)
    if not near:
        return "; isthmus list shows the services"
    return f"; did you mean {' or '.join(known[each] for each in near[:3])}?"


def _template(pool: Any, name: str) -> str:
    from isthmus.schema.samples import sample

    return json.dumps(sample(pool.FindMessageTypeByName(name.lstrip(".")), fill="all"), indent=2)
