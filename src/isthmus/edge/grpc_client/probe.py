"""What a port speaks: cleartext HTTP/2, TLS, HTTP/1.1, something else, or nothing. Told within about a second.

Both questions are asked at the same time, each on a connection of its own: an HTTP/2 server answers a preface with
its SETTINGS, a TLS server answers a handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
from collections.abc import Coroutine
from typing import NamedTuple

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # and empty SETTINGS
_SETTINGS, _GOAWAY = 4, 7  # frame types (RFC 9113 section 6)


class Speaks(enum.Enum):
    """What answered."""

    CLEARTEXT = "cleartext HTTP/2"
    TLS = "TLS"
    HTTP1 = "HTTP/1.1"
    UNKNOWN = "something else"
    NOTHING = "nothing"


class Probe(NamedTuple):
    """`address` is the IP address that answered. `alpn` is what TLS agreed on, empty for nothing."""

    speaks: Speaks
    reason: str = ""
    address: str = ""
    alpn: str = ""


async def probe(host: str, port: int, timeout: float = 1.0, server_name: str = "") -> Probe:
    """Find out what `host:port` speaks. Never raises; `timeout` is in seconds."""
    clear = asyncio.create_task(_limited(_cleartext(host, port), timeout))
    tls = asyncio.create_task(_limited(_tls(host, port, server_name or host), timeout))
    first, second = await clear, await tls
    for found in (first, second):
        if found.speaks in (Speaks.CLEARTEXT, Speaks.TLS):
            return found
    return first if first.speaks is not Speaks.UNKNOWN else second if second.speaks is not Speaks.UNKNOWN else first


async def _limited(asked: Coroutine[None, None, Probe], timeout: float) -> Probe:
    try:
        async with asyncio.timeout(timeout):
            return await asked
    except TimeoutError:
        return Probe(Speaks.UNKNOWN, f"it took the connection and said nothing for {timeout:g} s")


async def _cleartext(host: str, port: int) -> Probe:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Probe(Speaks.NOTHING, refusal(error))
    address = str(writer.get_extra_info("peername")[0])
    try:
        writer.write(_PREFACE)
        await writer.drain()
        head = await reader.read(9)
        while head and len(head) < 9 and (more := await reader.read(9 - len(head))):
            head += more
    except OSError:
        return Probe(Speaks.UNKNOWN, "it closed the connection on an HTTP/2 preface", address)
    finally:
        await _close(writer)
    if head.startswith(b"HTTP/1"):
        return Probe(Speaks.HTTP1, "it speaks HTTP/1.1, so it is no gRPC server", address)
    if len(head) == 9 and head[3] in (_SETTINGS, _GOAWAY) and head[5:] == b"\x00\x00\x00\x00":
        return Probe(Speaks.CLEARTEXT, "", address)
    if await _speaks_http1(host, port):
        return Probe(Speaks.HTTP1, "it speaks HTTP/1.1, so it is no gRPC server", address)
    return Probe(Speaks.UNKNOWN, "it does not answer an HTTP/2 preface", address)


async def _speaks_http1(host: str, port: int) -> bool:
    """Many HTTP/1.1 servers hang up on a preface without a word."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"HEAD / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        head = await reader.read(7)
    except OSError:
        return False
    await _close(writer)
    return head.startswith(b"HTTP/1.")


async def _tls(host: str, port: int, server_name: str) -> Probe:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)
    except ssl.SSLError as error:
        if "alert" in str(error).lower():
            return Probe(Speaks.TLS, f"it refused the handshake: {error.reason}")
        return Probe(Speaks.UNKNOWN, "it does not answer a TLS handshake")
    except (OSError, EOFError) as error:
        return Probe(Speaks.NOTHING, refusal(error)) if isinstance(error, OSError) else Probe(Speaks.UNKNOWN)
    found = writer.get_extra_info("ssl_object").selected_alpn_protocol() or ""
    address = str(writer.get_extra_info("peername")[0])
    await _close(writer)
    return Probe(Speaks.TLS, "", address, found)


def refusal(error: Exception) -> str:
    """An OSError of a connection in plain words."""
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused: nothing listens there"
    return getattr(error, "strerror", "") or str(error)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
