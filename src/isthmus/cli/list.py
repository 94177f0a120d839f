"""`isthmus list`: the services of a gRPC server, or the methods of one of them."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from isthmus.cli.grpc_completion import complete_services
from isthmus.cli.grpc_options import GrpcCommand, options_from, server_options
from isthmus.cli.grpcurl_flags import leave_unused, unused


@click.command("list", cls=GrpcCommand)
@server_options
@unused
@click.option("--msg-template", is_flag=True, hidden=True)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
@click.option("-v", "--verbose", is_flag=True, help="Say what the server was found to speak.")
@click.argument("address", default="")
@click.argument("service", default="", shell_complete=complete_services)
def command(address: str, service: str, output: str, verbose: bool, **given: Any) -> None:
    """List the services of a server, or the methods of SERVICE.

    \b
    isthmus list localhost:50051
    isthmus list localhost:50051 helloworld.Greeter
    isthmus list -protoset api.protoset helloworld.Greeter
    """
    from isthmus.cli.grpc_session import describe_server, files_of, missing, write_out
    from isthmus.schema.descriptors import load

    leave_unused(given)
    given.pop("msg_template")
    options = options_from(given)
    if files_of(options).given and address and not service and ":" not in address:
        address, service = "", address
    found = describe_server(address, options, _say if verbose else _nothing)
    pool = load(found.assembled.descriptor_set)
    if not service:
        write_out(found, found.assembled.services, options)
        _print(sorted(found.services), output)
        return
    try:
        descriptor = pool.FindServiceByName(service)
    except KeyError:
        known = ", ".join(sorted(found.assembled.services)) or "none that can be described"
        raise missing(f"the server has no service {service}; it has {known}", found) from None
    write_out(found, [service], options)
    _print(sorted(f"{service}.{method.name}" for method in descriptor.methods), output)


def _print(names: list[str], output: str) -> None:
    if output == "json":
        print(json.dumps(names))
    else:
        print("\n".join(names))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _nothing(_: str) -> None:
    pass
