"""From a command's options to a session with a server, and errors in the command line's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from isthmus.cli.grpc_options import CANNOT_REACH, ServerOptions, metadata_of
from isthmus.cli.options import Failure
from isthmus.edge.grpc_client.channels import Target
from isthmus.edge.grpc_client.reflection import Limits, Metadata
from isthmus.edge.grpc_client.session import Files, Session, SessionError, Wanted, connect, schema_in, schema_of
from isthmus.edge.proto_files import ProtoError
from isthmus.schema.assembly import Assembled

_T = TypeVar("_T")


class Described(NamedTuple):
    """A schema, and the services to list: with reflection all that the server lists."""

    assembled: Assembled
    services: tuple[str, ...]


def files_of(options: ServerOptions) -> Files:
    """The files that hold the schema, if any."""
    return Files(options.protoset, options.proto, options.import_path)


def wanted(address: str, options: ServerOptions) -> Wanted:
    """The server as the options describe it. Raises Failure."""
    host, colon, port = address.rpartition(":")
    if not address.startswith("unix:") and not (colon and host and port.isascii() and port.isdigit()):
        raise Failure(f"{address}: expected HOST:PORT or unix:PATH")
    target = Target(
        address=address,
        insecure=options.insecure,
        ca=options.cacert,
        cert=options.cert,
        key=options.key,
        server_name=options.servername or options.authority,
        authority=options.authority,
        user_agent=options.user_agent,
        keepalive=options.keepalive_time,
        most_bytes=options.max_msg_sz,
    )
    return Wanted(target, False if options.plaintext else True if options.wants_tls else None, options.connect_timeout)


def in_session(
    address: str, options: ServerOptions, work: Callable[[Session], Awaitable[_T]], verbose: Callable[[str], None]
) -> _T:
    """Do something with a server. Raises Failure."""

    async def run() -> _T:
        async with connect(wanted(address, options)) as session:
            verbose(session.found)
            return await work(session)

    try:
        return asyncio.run(run())
    except SessionError as error:
        raise Failure(str(error), CANNOT_REACH) from None


async def described(session: Session | None, options: ServerOptions) -> Described:
    """The schema: of files where they are given (unless reflection is asked for), else of the server."""
    files = files_of(options)
    if files.given and not options.use_reflection:
        return given(options)
    assert session is not None
    metadata: Metadata = metadata_of((*options.header, *options.reflect_header), options.expand_headers)
    found = Described(*await schema_of(session.channel, metadata, Limits(seconds=options.connect_timeout)))
    _write_out(found.assembled, options)
    return found


def given(options: ServerOptions) -> Described:
    """The schema of files. Raises Failure."""
    try:
        found = Described(*schema_in(files_of(options)))
    except ProtoError as error:
        raise Failure(str(error)) from None
    _write_out(found.assembled, options)
    return found


def describe_server(address: str, options: ServerOptions, verbose: Callable[[str], None]) -> Described:
    """The schema of a server, or of files without asking anybody. Raises Failure."""
    if not address or (files_of(options).given and not options.use_reflection):
        if not files_of(options).given:
            raise Failure("expected the server's HOST:PORT, or its schema with -protoset FILE or -proto FILE")
        return given(options)
    return in_session(address, options, lambda session: described(session, options), verbose)


def _write_out(assembled: Assembled, options: ServerOptions) -> None:
    if options.protoset_out:
        try:
            Path(options.protoset_out).write_bytes(assembled.descriptor_set)
        except OSError as error:
            raise Failure(f"{options.protoset_out}: {error.strerror}") from None
