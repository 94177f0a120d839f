"""`isthmus openapi`: an OpenAPI 3.1 document of a gRPC server's API over HTTP."""

from __future__ import annotations

import json
from typing import Any

import click

from isthmus.cli.api_options import rules_of
from isthmus.cli.grpc_options import GrpcCommand, options_from, server_options
from isthmus.cli.list import _nothing, _say
from isthmus.cli.options import Failure


@click.command("openapi", cls=GrpcCommand)
@server_options
@click.option("--server-url", default="http://127.0.0.1:8080", show_default=True, help="Where clients reach the API.")
@click.option("--title", default="", help="The document's title; the address by default.")
@click.option("--mapping", default="", metavar="FILE", help="HTTP rules that add to the schema's own.")
@click.option("--proto-names", is_flag=True, help="Proto field names instead of lowerCamelCase.")
@click.option("-v", "--verbose", is_flag=True, help="Say what the server was found to speak.")
@click.argument("address", default="")
@click.argument("services", nargs=-1)
def command(address: str, services: tuple[str, ...], **given: Any) -> None:
    """Print the OpenAPI 3.1 document of a server, or of some of its SERVICES.

    \b
    isthmus openapi localhost:50051 > api.json
    isthmus openapi -protoset api.protoset --mapping rules.yaml --server-url https://api.example.com
    """
    from isthmus.cli.grpc_session import describe_server
    from isthmus.schema.descriptors import files_of
    from isthmus.schema.openapi import openapi
    from isthmus.schema.plan import make_schema

    url, title, mapping = given.pop("server_url"), given.pop("title"), given.pop("mapping")
    names, verbose = given.pop("proto_names"), given.pop("verbose")
    found = describe_server(address, options_from(given), _say if verbose else _nothing)
    files = [file.SerializeToString() for file in files_of(found.assembled.descriptor_set).file]
    schema = make_schema(files, services=found.assembled.services, rules=rules_of(mapping) if mapping else None)
    unknown = [name for name in services if name not in schema.services]
    if unknown:
        raise Failure(f"the server has no service {', '.join(unknown)}; it has {', '.join(schema.services)}", 1)
    made = openapi(
        schema, title=title or address or "API", server_url=url, services=services or None, preserve_names=names
    )
    print(json.dumps(made, indent=2))
