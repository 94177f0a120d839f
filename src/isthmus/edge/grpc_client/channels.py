"""gRPC channels to servers: in clear or over TLS, by TCP or Unix socket.

gRPC cannot leave certificates unverified; where that is asked for, the very certificate that the server shows now is
what is trusted. Names: `server_name` is SNI and what the certificate must be for; `authority` is the HTTP/2 header.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read by gRPC when it is imported
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
import grpc.aio

MOST_BYTES = 16 * 1024 * 1024


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
        return "" if self.address.startswith("unix:") else self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the address, 0 for a Unix socket."""
        return 0 if self.address.startswith("unix:") else int(self.address.rpartition(":")[2])


class ChannelError(Exception):
    """A channel cannot be made: a file that is no PEM, or a server that refuses the handshake."""


@contextlib.asynccontextmanager
async def open_channel(target: Target) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server, closed at the end. Raises ChannelError."""
    options: list[tuple[str, object]] = [
        ("grpc.max_receive_message_length", target.most_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
        ("grpc.enable_http_proxy", 0),
    ]
    if target.user_agent:
        options.append(("grpc.primary_user_agent", target.user_agent))
    if target.keepalive:
        options.append(("grpc.keepalive_time_ms", int(target.keepalive * 1000)))
    if target.authority:
        options.append(("grpc.default_authority", target.authority))
    if not target.tls:
        async with grpc.aio.insecure_channel(target.address, options) as channel:
            yield channel
        return
    credentials, name = await _credentials(target)
    if name:
        options.append(("grpc.ssl_target_name_override", name))
    async with grpc.aio.secure_channel(target.address, credentials, options) as channel:
        yield channel


async def _credentials(target: Target) -> tuple[grpc.ChannelCredentials, str]:
    """Credentials, and the name that the certificate is to be for (empty: the host)."""
    try:
        ca = Path(target.ca).read_bytes() if target.ca else None
        cert = Path(target.cert).read_bytes() if target.cert else None
        key = Path(target.key).read_bytes() if target.key else None
    except OSError as error:
        raise ChannelError(f"{error.filename}: {error.strerror}") from None
    name = target.server_name
    if target.insecure:
        ca, name = await _shown(target)
    return grpc.ssl_channel_credentials(ca, key, cert), name


async def _shown(target: Target) -> tuple[bytes, str]:
    """The certificate that the server shows, and a name that it is for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if target.cert:
        context.load_cert_chain(target.cert, target.key)
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(
                target.host, target.port, ssl=context, server_hostname=target.server_name or target.host
            )
    except (OSError, TimeoutError, EOFError) as error:
        raise ChannelError(f"{target.address}: no TLS handshake: {error}") from None
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return ssl.DER_cert_to_PEM_cert(shown).encode(), _name_in(shown) or target.server_name


def _name_in(certificate: bytes) -> str:
    """A DNS name or address that the certificate is for; empty where it names none."""
    from cryptography import x509  # noqa: PLC0415 - slow to import, needed for unverified servers only

    try:
        names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except (x509.ExtensionNotFound, ValueError):
        return ""
    dns = names.value.get_values_for_type(x509.DNSName)
    addresses = names.value.get_values_for_type(x509.IPAddress)
    found = dns[0] if dns else str(addresses[0]) if addresses else ""
    return found.replace("*", "any", 1)
