"""`isthmus call`: one call of a method, messages in from -d or standard input, answers out as they come."""

from __future__ import annotations

import sys
from typing import Any

import click

from isthmus.cli.grpc_options import GrpcCommand, options_from, server_options


def _methods(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The methods of the server on the command line; silent where that cannot be asked."""
    address = ctx.params.get("address") or ""
    if not address:
        return []
    try:
        from isthmus.cli.call_work import completions

        return completions(address, incomplete)
    except Exception:  # noqa: BLE001 - a shell that completes must never see an error
        return []


@click.command("call", cls=GrpcCommand)
@server_options
@click.option("-d", "--data", default=None, metavar="JSON", help="The message, or messages; @ reads standard input.")
@click.option("--rpc-header", multiple=True, metavar="NAME: VALUE", help="Metadata for the call only.")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option("--emit-defaults", is_flag=True, help="Print fields that have their default value.")
@click.option("--allow-unknown-fields", is_flag=True, help="Ignore fields that the message does not have.")
@click.option("--format-error", is_flag=True, help="Print a failed call's status in the output's format.")
@click.option("--max-time", type=click.FloatRange(0), default=None, metavar="SECONDS", help="The call's deadline.")
@click.option("-v", "--verbose", is_flag=True, help="Print metadata, headers and trailers too.")
@click.option("--vv", is_flag=True, help="Print times as well.")
@click.argument("address")
@click.argument("method", default="", shell_complete=_methods)
def command(address: str, method: str, **given: Any) -> None:
    """Call METHOD, package.Service/Method, of the server at ADDRESS.

    Without -d on a terminal it shows what the message looks like and calls nothing. Streams are live: each message is
    sent as soon as it is complete, each answer printed as it comes. Exits with 64 + the gRPC status of a failed call.

    \b
    isthmus call localhost:50051 helloworld.Greeter/SayHello -d '{"name": "Ada"}'
    isthmus call -plaintext -H 'authorization: Bearer x' -d @ localhost:50051 chat.Chat/Talk < messages.ndjson
    """
    from isthmus.cli.call_work import CallOptions, call

    options = options_from(given)
    sys.exit(call(address, method, options, CallOptions(**given)))
