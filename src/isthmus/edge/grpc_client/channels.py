"""gRPC channels to servers: in clear or over TLS, by TCP or Unix socket.

Names: `server_name` is SNI and what the certificate must be for; `authority` is the HTTP/2 header, by default that
name, else the address, whatever the certificate says. gRPC can neither leave a certificate unverified nor verify it
for one name and ask for another: there a relay does TLS in its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from isthmus.edge.grpc_client.probe import Opener, Streams, can_be_sni, refusal, tcp, unix
from isthmus.edge.grpc_client.relay import relay

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read by gRPC when it is imported; what fails is told by the call
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
import grpc.aio

MOST_BYTES = 16 * 1024 * 1024
_HANDSHAKE_SECONDS = 5.0
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class Target(NamedTuple):
    """A server. `address` is HOST:PORT or unix:PATH; `ca`, `cert` and `key` are PEM files; times in seconds."""

    address: str
    tls: bool = False
    insecure: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""
    authority: str = ""
    user_agent: str = ""
    keepalive: float = 0.0
    most_bytes: int = MOST_BYTES

    @property
    def host(self) -> str:
        """The host of the address, empty for a Unix socket."""
        return "" if self.path else self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the address, 0 for a Unix socket."""
        return 0 if self.path else int(self.address.rpartition(":")[2])

    @property
    def path(self) -> str:
        """The path of a Unix socket (unix:PATH or unix:///PATH), empty for a port."""
        scheme, _, rest = self.address.partition(":")
        return "" if scheme != "unix" else rest[2:] if rest.startswith("//") else rest

    @property
    def name(self) -> str:
        """What goes out as SNI, and what a verified certificate must be for."""
        return self.server_name or self.host or "localhost"

    @property
    def opener(self) -> Opener:
        """Opens connections to it, without gRPC."""
        return unix(self.path) if self.path else tcp(self.host, self.port)


class ChannelError(Exception):
    """A channel cannot be made: a file that is no PEM, or a server that refuses the handshake."""


class Dialled(NamedTuple):
    """What gRPC needs to make a channel; no credentials for cleartext."""

    address: str
    credentials: grpc.ChannelCredentials | None
    options: tuple[tuple[str, object], ...]


@contextlib.asynccontextmanager
async def open_channel(target: Target) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server, closed at the end. Raises ChannelError."""
    async with dialled(target) as (address, credentials, options):
        channel = (
            grpc.aio.insecure_channel(address, options)
            if credentials is None
            else grpc.aio.secure_channel(address, credentials, options)
        )
        async with channel:
            yield channel


@contextlib.asynccontextmanager
async def dialled(target: Target) -> AsyncIterator[Dialled]:
    """How to make channels to the server; they work until the end. Raises ChannelError."""
    options = _options(target)
    if not target.tls:
        yield Dialled(target.address, None, options)
    elif not target.insecure and (not target.authority or host_of(target.authority) == target.name):
        yield Dialled(target.address, _credentials(target), (*options, ("grpc.ssl_target_name_override", target.name)))
    else:
        context = tls_context(target)
        async with contextlib.AsyncExitStack() as stack:
            try:
                path = await stack.enter_async_context(relay(_dialler(target, context)))
            except (OSError, ValueError, EOFError) as error:
                raise ChannelError(f"{target.address}: no TLS handshake: {handshake_refusal(error)}") from None
            yield Dialled(f"unix:{path}", None, (*options, ("grpc.http2_scheme", "https")))


def tls_context(target: Target) -> ssl.SSLContext:
    """What Python's own TLS needs to speak with the server as gRPC would. Raises ChannelError."""
    if not can_be_sni(target.name):
        raise ChannelError(f"{target.name!r} is no host name that TLS can ask for")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if target.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        ca = target.ca or authorities()
        if ca:
            _loaded(ca, lambda: context.load_verify_locations(ca))
        else:
            context.load_default_certs()
    if target.cert:
        # Without a password OpenSSL would ask on the terminal.
        _loaded(target.cert, lambda: context.load_cert_chain(target.cert, target.key or None, password=lambda: b""))
    return context


async def handshake(target: Target, seconds: float) -> None:
    """Shake hands as gRPC is going to; the error says plainly what is wrong.

    Raises ssl.SSLError, OSError, TimeoutError, EOFError, and ValueError for a name that is none.
    """
    context = tls_context(target)
    async with asyncio.timeout(seconds):
        _, writer = await target.opener(ssl=context, server_hostname=target.name)
    writer.transport.abort()


def handshake_refusal(error: Exception) -> str:
    """Why a handshake failed, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and "HANDSHAKE_FAILURE" in (error.reason or ""):
        return "the server refuses it; perhaps it serves other names (SNI), or wants a client certificate"
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    if isinstance(error, TimeoutError):
        return "it takes too long"
    return refusal(error)


def authorities() -> str:
    """The file with this machine's certificate authorities; empty where none is known."""
    given = os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") or ssl.get_default_verify_paths().cafile
    return next((path for path in (given, *_AUTHORITIES) if path and os.path.isfile(path)), "")


def host_of(authority: str) -> str:
    """An :authority without its port."""
    return urlsplit(f"//{authority}").hostname or authority


def _options(target: Target) -> tuple[tuple[str, object], ...]:
    options: list[tuple[str, object]] = [
        ("grpc.max_receive_message_length", target.most_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),  # a call is made once
    ]
    if target.user_agent:
        options.append(("grpc.primary_user_agent", target.user_agent))
    if target.keepalive:
        milliseconds = max(1, int(target.keepalive * 1000))
        options.append(("grpc.keepalive_time_ms", milliseconds))
        options.append(("grpc.keepalive_timeout_ms", milliseconds))
        options.append(("grpc.http2.max_pings_without_data", 0))  # a stream may be quiet for long
    authority = target.authority or target.server_name or ("localhost" if target.path else target.address)
    options.append(("grpc.default_authority", authority))
    return tuple(options)


def _credentials(target: Target) -> grpc.ChannelCredentials:
    tls_context(target)  # gRPC would take any file and fail later, without a reason
    ca = target.ca or authorities()
    try:
        roots, cert, key = (Path(path).read_bytes() if path else None for path in (ca, target.cert, target.key))
    except OSError as error:
        raise ChannelError(f"{error.filename}: {error.strerror}") from None
    return grpc.ssl_channel_credentials(roots, key, cert)


def _dialler(target: Target, context: ssl.SSLContext) -> Callable[[], Awaitable[Streams]]:
    async def dial() -> Streams:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            return await target.opener(ssl=context, server_hostname=target.name)

    return dial


def _loaded(path: str, load: Callable[[], None]) -> None:
    try:
        load()
    except ssl.SSLError as error:
        why = (error.reason or "").replace("_", " ").lower()
        raise ChannelError(f"{path}: no PEM file that TLS can use{f' ({why})' if why else ''}") from None
    except OSError as error:
        raise ChannelError(f"{path}: {error.strerror}") from None
