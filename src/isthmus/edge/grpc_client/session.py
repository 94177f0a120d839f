"""One server as a command sees it: reached by what it turns out to speak, its schema from it or from files.

Rule: what is wrong is an error in words within the connect timeout, never a wait without an end.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from isthmus.edge.grpc_client.channels import ChannelError, Dialled, Target, dialled, handshake, handshake_refusal
from isthmus.edge.grpc_client.probe import Probe, Speaks, probe, probe_unix
from isthmus.edge.grpc_client.reflection import Limits, Metadata, ReflectionError, reflect
from isthmus.edge.proto_files import compile_protos, read_protoset
from isthmus.schema.assembly import Assembled, assemble
from isthmus.schema.model import Problem

import grpc.aio  # isort: skip - after channels, which sets what gRPC reads when it is imported

_PROBE_SECONDS = 2.0


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
    """A server that answers, and what it was found to speak. `server` is for calls, `channel` for reflection."""

    server: Dialled
    channel: grpc.aio.Channel
    found: str


class Described(NamedTuple):
    """A schema, the services to list (with reflection all that the server lists), and what had to be left out."""

    assembled: Assembled
    services: tuple[str, ...]
    problems: tuple[Problem, ...]


@contextlib.asynccontextmanager
async def connect(wanted: Wanted) -> AsyncIterator[Session]:
    """A channel that is fit for the server. Raises SessionError."""
    found, tls = await _settle(wanted)
    target = wanted.target._replace(tls=tls)
    async with contextlib.AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(dialled(target))
            if tls and not target.insecure:
                await _verified(target, wanted.seconds)
        except ChannelError as error:
            raise SessionError(str(error)) from None
        address, credentials, options = server
        channel = (
            grpc.aio.insecure_channel(address, options)
            if credentials is None
            else grpc.aio.secure_channel(address, credentials, options)
        )
        await stack.enter_async_context(channel)
        yield Session(server, channel, f"{target.address} speaks {found.speaks.value}")


async def _settle(wanted: Wanted) -> tuple[Probe, bool]:
    """What the server speaks, and whether to speak TLS with it."""
    target, where = wanted.target, wanted.target.address
    seen = await _probed(target, min(wanted.seconds, _PROBE_SECONDS))
    if seen.speaks is Speaks.UNKNOWN and wanted.tls is not None and wanted.seconds > _PROBE_SECONDS:
        seen = await _probed(target, wanted.seconds - _PROBE_SECONDS)  # a slow one
    if seen.speaks in (Speaks.NOTHING, Speaks.HTTP1, Speaks.UNKNOWN):
        raise SessionError(f"{where}: {seen.reason}")
    if seen.speaks is Speaks.TLS and wanted.tls is False:
        raise SessionError(f"{where} speaks TLS: leave -plaintext out")
    if seen.speaks is Speaks.CLEARTEXT and wanted.tls is True:
        raise SessionError(f"{where} speaks cleartext: leave the TLS flags out, or give -plaintext")
    if seen.speaks is Speaks.TLS and seen.address and seen.alpn != "h2":
        raise SessionError(f"{where} speaks TLS without HTTP/2 (ALPN h2), which gRPC needs")
    return seen, seen.speaks is Speaks.TLS if wanted.tls is None else wanted.tls


async def _probed(target: Target, seconds: float) -> Probe:
    if target.path:
        return await probe_unix(target.path, seconds, target.server_name)
    return await probe(target.host, target.port, seconds, target.server_name)


async def _verified(target: Target, seconds: float) -> None:
    """Say why gRPC would not accept the server, or the server us."""
    try:
        await handshake(target, seconds)
    except ssl.SSLCertVerificationError as error:
        hint = "give -cacert FILE, -servername NAME or -insecure"
        raise SessionError(f"{target.address}: {handshake_refusal(error)}; {hint}") from None
    except (OSError, EOFError, ValueError) as error:
        raise SessionError(f"{target.address}: no TLS handshake: {handshake_refusal(error)}") from None


async def schema_of(channel: grpc.aio.Channel, metadata: Metadata, limits: Limits) -> Described:
    """What the server says of itself. Raises SessionError."""
    try:
        reflected = await reflect(channel, metadata=metadata, limits=limits)
    except ReflectionError as error:
        hint = "; give its schema with -protoset FILE or -proto FILE" if error.kind == "unimplemented" else ""
        raise SessionError(f"{error}{hint}") from None
    services = [name for name in reflected.services if not name.startswith("grpc.reflection.")]
    assembled = assemble(reflected.files, services, limits.size)
    return Described(assembled, reflected.services, (*reflected.problems, *assembled.problems))


def schema_in(files: Files) -> Described:
    """What files say. Raises ProtoError."""
    raw: Sequence[bytes] = read_protoset(files.protosets) if files.protosets else ()
    compiled = compile_protos(files.protos, files.import_paths) if files.protos else ()
    assembled = assemble((*raw, *compiled))
    return Described(assembled, assembled.services, assembled.problems)
