"""From a command's options to a session with a server, and errors in the command line's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from isthmus.cli.grpc_options import CANNOT_REACH, ServerOptions, metadata_of
from isthmus.cli.options import Failure
from isthmus.edge.grpc_client.channels import Target, host_of
from isthmus.edge.grpc_client.reflection import Limits, Metadata
from isthmus.edge.grpc_client.session import (
    Described,
    Files,
    Session,
    SessionError,
    Wanted,
    connect,
    schema_in,
    schema_of,
)
from isthmus.edge.proto_files import ProtoError

_T = TypeVar("_T")
_DEADLINE_EXCEEDED = 64 + 4
_GRACE_SECONDS = 0.5  # for a call to say itself that its deadline is over
_MOST_PROBLEMS = 5


def files_of(options: ServerOptions) -> Files:
    """The files that hold the schema, if any."""
    return Files(options.protoset, options.proto, options.import_path)


def wanted(address: str, options: ServerOptions) -> Wanted:
    """The server as the options describe it. Raises Failure."""
    if options.unix:
        address = address if address.startswith("unix:") else f"unix:{address}"
    host, colon, port = address.rpartition(":")
    if "://" in address and not address.startswith("unix://"):
        raise Failure(f"{address}: expected HOST:PORT without {address.partition('://')[0]}://")
    if not address.startswith("unix:") and not (colon and host and port.isascii() and port.isdigit()):
        raise Failure(f"{address}: expected HOST:PORT or unix:PATH")
    if not address.startswith("unix:") and not (0 < int(port[:6]) < 65_536):
        raise Failure(f"{address}: a port is between 1 and 65535")
    target = Target(
        address=address,
        insecure=options.insecure,
        ca=options.cacert,
        cert=options.cert,
        key=options.key,
        server_name=options.servername or host_of(options.authority),
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
        limit = options.max_time + _GRACE_SECONDS if options.max_time else None
        async with asyncio.timeout(limit), connect(wanted(address, options)) as session:
            verbose(session.found)
            return await work(session)

    try:
        return asyncio.run(run())
    except SessionError as error:
        raise Failure(str(error), CANNOT_REACH) from None
    except TimeoutError:
        raise Failure(f"it was not done within -max-time, {options.max_time:g} s", _DEADLINE_EXCEEDED) from None


async def described(session: Session | None, options: ServerOptions) -> Described:
    """The schema: of files where they are given (unless reflection is asked for), else of the server."""
    files = files_of(options)
    if files.given and not options.use_reflection:
        return given(options)
    assert session is not None
    metadata: Metadata = metadata_of((*options.header, *options.reflect_header), options.expand_headers)
    return await schema_of(session.channel, metadata, Limits())


def given(options: ServerOptions) -> Described:
    """The schema of files. Raises Failure."""
    try:
        return schema_in(files_of(options))
    except ProtoError as error:
        raise Failure(str(error)) from None


def describe_server(address: str, options: ServerOptions, verbose: Callable[[str], None]) -> Described:
    """The schema of a server, or of files without asking anybody. Raises Failure."""
    if not address or (files_of(options).given and not options.use_reflection):
        if not files_of(options).given:
            raise Failure("expected the server's HOST:PORT, or its schema with -protoset FILE or -proto FILE")
        found = given(options)
    else:
        found = in_session(address, options, lambda session: described(session, options), verbose)
    for problem in found.problems:
        verbose(f"left out: {problem.where}: {problem.what}")
    return found


def missing(what: str, found: Described, code: int = 1) -> Failure:
    """That something is not in the schema; what had to be left out of it may be why."""
    lines = [f"left out: {problem.where}: {problem.what}" for problem in found.problems]
    more = len(lines) - _MOST_PROBLEMS
    return Failure(
        "\n".join([what, *lines[:_MOST_PROBLEMS], *([f"and {more} more; -v shows them"] * (more > 0))]), code
    )


def write_out(found: Described, symbols: Iterable[str], options: ServerOptions) -> None:
    """Where -protoset-out asks for it: the files of these symbols, and what they import. Raises Failure."""
    if options.protoset_out:
        from isthmus.schema.descriptors import with_imports

        try:
            Path(options.protoset_out).write_bytes(with_imports(found.assembled.descriptor_set, symbols))
        except OSError as error:
            raise Failure(f"{options.protoset_out}: {error.strerror}") from None
