"""One server as a command sees it: reached by what it turns out to speak, its schema from it or from files.

Rule: what is wrong is an error in words within the connect timeout, never a wait without an end.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import grpc.aio

from isthmus.edge.grpc_client.channels import ChannelError, Target, open_channel
from isthmus.edge.grpc_client.probe import Speaks, probe
from isthmus.edge.grpc_client.reflection import Limits, Metadata, ReflectionError, reflect
from isthmus.edge.proto_files import compile_protos, read_protoset
from isthmus.schema.assembly import Assembled, assemble


class SessionError(Exception):
    """The server cannot be used: unreachable, TLS where there is none, no schema."""


class Wanted(NamedTuple):
    """What the user said about TLS and time. `tls` is None where that is to be found out."""

    target: Target
    tls: bool | None = None
    seconds: float = 10.0


class Files(NamedTuple):
    """Descriptors given as files."""

    protosets: tuple[str, ...] = ()
    protos: tuple[str, ...] = ()
    import_paths: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return bool(self.protosets or self.protos)


class Session(NamedTuple):
    """An open channel, and what the server was found to speak."""

    channel: grpc.aio.Channel
    found: str


@contextlib.asynccontextmanager
async def connect(wanted: Wanted) -> AsyncIterator[Session]:
    """A channel that is fit for the server. Raises SessionError."""
    target = wanted.target
    found = "a Unix socket"
    if target.host:
        found, tls = await _settle(wanted)
        target = target._replace(tls=tls)
    try:
        async with open_channel(target) as channel:
            yield Session(channel, found)
    except ChannelError as error:
        raise SessionError(str(error)) from None


async def _settle(wanted: Wanted) -> tuple[str, bool]:
    """What the server speaks, and whether that is TLS."""
    target = wanted.target
    seen = await probe(target.host, target.port, min(wanted.seconds, 2.0), target.server_name or target.authority)
    where = target.address
    if seen.speaks is Speaks.NOTHING:
        raise SessionError(f"{where}: {seen.reason}")
    if seen.speaks is Speaks.HTTP1:
        raise SessionError(f"{where}: {seen.reason}")
    if seen.speaks is Speaks.TLS and wanted.tls is False:
        raise SessionError(f"{where} speaks TLS: leave -plaintext out")
    if seen.speaks is Speaks.CLEARTEXT and wanted.tls is True:
        raise SessionError(f"{where} speaks cleartext: leave the TLS flags out, or give -plaintext")
    if seen.speaks is Speaks.UNKNOWN and wanted.tls is None:
        raise SessionError(f"{where}: {seen.reason}")
    tls = seen.speaks is Speaks.TLS if wanted.tls is None else wanted.tls
    return f"{where} speaks {seen.speaks.value}", tls


async def schema_of(channel: grpc.aio.Channel, metadata: Metadata, limits: Limits) -> tuple[Assembled, tuple[str, ...]]:
    """What the server says of itself, and all services that it lists. Raises SessionError."""
    try:
        reflected = await reflect(channel, metadata=metadata, limits=limits)
    except ReflectionError as error:
        hint = "; give its schema with -protoset FILE or -proto FILE" if error.kind == "unimplemented" else ""
        raise SessionError(f"{error}{hint}") from None
    services = [name for name in reflected.services if not name.startswith("grpc.reflection.")]
    assembled = assemble(reflected.files, services, limits.size)
    return assembled, reflected.services


def schema_in(files: Files) -> tuple[Assembled, tuple[str, ...]]:
    """What files say. Raises ProtoError."""
    raw: Sequence[bytes] = read_protoset(files.protosets) if files.protosets else ()
    compiled = compile_protos(files.protos, files.import_paths) if files.protos else ()
    assembled = assemble((*raw, *compiled))
    return assembled, assembled.services
