"""`isthmus call`: one call of a method, messages in from -d or standard input, answers out as they come."""

from __future__ import annotations

import sys
from typing import Any

import click

from isthmus.cli.grpc_completion import complete_methods
from isthmus.cli.grpc_options import GrpcCommand, options_from, server_options


@click.command("call", cls=GrpcCommand)
@server_options
@click.option("-d", "--data", default=None, metavar="JSON", help="The message or messages; @: standard input.")
@click.option("--rpc-header", multiple=True, metavar="NAME: VALUE", help="Metadata for the call only.")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option("--emit-defaults", is_flag=True, help="Print fields that have their default value.")
@click.option("--allow-unknown-fields", is_flag=True, help="Ignore fields that the message does not have.")
@click.option("--format-error", is_flag=True, help="Print a failed call's status in the output's format.")
@click.option("--msg-template", is_flag=True, hidden=True)
@click.option("-v", "--verbose", is_flag=True, help="Print metadata, headers and trailers too.")
@click.option("--vv", is_flag=True, help="Print times as well.")
@click.argument("address")
@click.argument("method", default="", shell_complete=complete_methods)
def command(address: str, method: str, **given: Any) -> None:
    """Call METHOD, package.Service/Method, of the server at ADDRESS.

    Without -d it shows on a terminal what the message looks like and calls nothing; elsewhere it sends an empty
    message. Streams are live: each message is sent as soon as it is complete, each answer printed as it comes. Exits
    with 64 + the gRPC status of a failed call.

    \b
    isthmus call localhost:50051 helloworld.Greeter/SayHello -d '{"name": "Ada"}'
    isthmus call -plaintext -H 'authorization: Bearer x' -d @ localhost:50051 chat.Chat/Talk < messages.ndjson
    """
    from isthmus.cli.call_work import CallOptions, call

    given.pop("msg_template")  # of describe; grpcurl takes it too
    options = options_from(given)
    sys.exit(call(address, method, options, CallOptions(**given)))
