"""What a port speaks: cleartext HTTP/2, TLS, HTTP/1.1, something else, or nothing. Told within about a second.

Both questions are asked at the same time, each on a connection of its own: an HTTP/2 server answers a preface with
its SETTINGS, a TLS server answers a handshake. Rule: nothing that a port says or a name holds raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import errno
import functools
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # and empty SETTINGS
_SETTINGS, _GOAWAY = 4, 7  # frame types (RFC 9113 section 6)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
# Opens a connection; takes what asyncio.open_connection takes of TLS: ssl, server_hostname.
Opener = Callable[..., Coroutine[Any, Any, Streams]]


class Speaks(enum.Enum):
    """What answered."""

    CLEARTEXT = "cleartext HTTP/2"
    TLS = "TLS"
    HTTP1 = "HTTP/1.1"
    UNKNOWN = "something else"
    NOTHING = "nothing"


class Probe(NamedTuple):
    """`address` is the IP address that answered, or the socket's path. `alpn` is what TLS agreed on, empty for nothing.

    TLS without an address: the server speaks it, and refused this handshake.
    """

    speaks: Speaks
    reason: str = ""
    address: str = ""
    alpn: str = ""


async def probe(host: str, port: int, timeout: float = 1.0, server_name: str = "") -> Probe:
    """Find out what `host:port` speaks. Never raises; `timeout` is in seconds."""
    if not 0 < port < 65_536:
        return Probe(Speaks.NOTHING, f"there is no port {port}")
    return await _probe(tcp(host, port), timeout, server_name or host)


async def probe_unix(path: str, timeout: float = 1.0, server_name: str = "") -> Probe:
    """The same for a Unix socket."""
    return await _probe(unix(path), timeout, server_name or "localhost")


def tcp(host: str, port: int) -> Opener:
    """Opens connections to a port."""
    return functools.partial(asyncio.open_connection, host, port)


def unix(path: str) -> Opener:
    """Opens connections to a Unix socket."""
    return functools.partial(asyncio.open_unix_connection, path)


async def _probe(opener: Opener, timeout: float, server_name: str) -> Probe:
    until = asyncio.get_running_loop().time() + timeout
    silent = Probe(Speaks.UNKNOWN, f"it took the connection and said nothing for {timeout:g} s")
    clear, tls = await asyncio.gather(
        _cleartext(opener, until, silent), _or_else(_tls(opener, server_name), until, silent)
    )
    return tls if tls.speaks is Speaks.TLS and clear.speaks is not Speaks.CLEARTEXT else clear


async def _or_else(asked: Coroutine[None, None, Probe], until: float, silent: Probe) -> Probe:
    try:
        async with asyncio.timeout_at(until):
            return await asked
    except TimeoutError:
        return silent


async def _cleartext(opener: Opener, until: float, silent: Probe) -> Probe:
    try:
        async with asyncio.timeout_at(until):
            streams = await opener()
    except TimeoutError as error:
        return Probe(Speaks.NOTHING, refusal(error) if error.errno else "it does not answer attempts to connect")
    except (OSError, ValueError) as error:  # ValueError: a name that is none
        return Probe(Speaks.NOTHING, refusal(error))
    return await _or_else(_prefaced(opener, *streams), until, silent)


async def _prefaced(opener: Opener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Probe:
    address = _peer(writer)
    try:
        writer.write(_PREFACE)
        await writer.drain()
        head = await reader.read(9)
        while head and len(head) < 9 and (more := await reader.read(9 - len(head))):
            head += more
    except OSError:
        head = b""
    finally:
        await _close(writer)
    if len(head) == 9 and head[3] in (_SETTINGS, _GOAWAY) and head[5:] == b"\x00\x00\x00\x00":
        return Probe(Speaks.CLEARTEXT, "", address)
    if head.startswith(b"HTTP/1") or await _speaks_http1(opener):
        return Probe(Speaks.HTTP1, "it speaks HTTP/1.1, so it is no gRPC server", address)
    return Probe(Speaks.UNKNOWN, "it does not answer an HTTP/2 preface", address)


async def _speaks_http1(opener: Opener) -> bool:
    """Many HTTP/1.1 servers hang up on a preface without a word."""
    try:
        reader, writer = await opener()
    except OSError:
        return False
    try:
        writer.write(b"HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return (await reader.read(7)).startswith(b"HTTP/1.")
    except OSError:
        return False
    finally:
        await _close(writer)


async def _tls(opener: Opener, server_name: str) -> Probe:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if not can_be_sni(server_name):
        return Probe(Speaks.UNKNOWN, f"{server_name!r} is no host name")
    try:
        _, writer = await opener(ssl=context, server_hostname=server_name)
    except ssl.SSLError as error:
        if "alert" in str(error).lower():
            return Probe(Speaks.TLS, f"it refused the handshake: {error.reason}")
        return Probe(Speaks.UNKNOWN, "it does not answer a TLS handshake")
    except (OSError, EOFError, ValueError):
        return Probe(Speaks.UNKNOWN, "it does not answer a TLS handshake")
    found = writer.get_extra_info("ssl_object").selected_alpn_protocol() or ""
    address = _peer(writer)
    await _close(writer)
    return Probe(Speaks.TLS, "", address, found)


def can_be_sni(name: str) -> bool:
    """Whether TLS takes the name; asyncio loses a socket where it does not."""
    try:
        return bool(name.encode("idna")) and not name.startswith(".") and "\0" not in name
    except UnicodeError:
        return False


def refusal(error: Exception) -> str:
    """What kept a connection from being made, in plain words."""
    if isinstance(error, UnicodeError):
        return "that is no host name"
    if not isinstance(error, OSError):
        return str(error)
    # Several addresses tried at once give one error without a number, whose text holds all of theirs.
    tried = error.errno is None and f"[Errno {errno.ECONNREFUSED}]" in str(error)
    if isinstance(error, ConnectionRefusedError) or tried:
        return "connection refused: nothing listens there"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    number = error.errno or 0
    known = number in errno.errorcode and "Connect call failed" in str(error)
    return _PLAIN.get(number, str(error)) if known else error.strerror or str(error)


_PLAIN = {
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "the network is unreachable",
    errno.ETIMEDOUT: "it does not answer attempts to connect",
    errno.EADDRNOTAVAIL: "the address cannot be reached from here",
    errno.EACCES: "the system does not allow the connection",
}


def _peer(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else str(peer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
