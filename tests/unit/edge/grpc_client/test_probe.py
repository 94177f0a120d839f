"""What a port speaks is told within the limit, whatever listens there."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from reflecting import raw_server
from tls_http2 import files_of

from isthmus.edge import pki
from isthmus.edge.grpc_client.probe import Speaks, probe, probe_unix, refusal
from isthmus.edge.upstreams import greeter, http_echo


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    return files_of(pki.leaf(pki.authority("Test CA"), ["localhost"]), tmp_path)


async def test_cleartext_grpc():
    server = greeter.start()
    try:
        found = await probe(*split(server.address))
        assert found == (Speaks.CLEARTEXT, "", "127.0.0.1", "")
    finally:
        server.stop(0)


async def test_tls_grpc(certificate):
    server = greeter.start(tls=certificate)
    try:
        assert await probe(*split(server.address)) == (Speaks.TLS, "", "127.0.0.1", "h2")
    finally:
        server.stop(0)


async def test_tls_without_http2(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        found = await probe(*server.sockets[0].getsockname())
        assert (found.speaks, found.alpn) == (Speaks.TLS, "")


async def test_a_refused_handshake_is_still_tls():
    def old(connection: socket.socket, _: object) -> None:
        connection.recv(4096)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # alert, fatal, handshake_failure

    with raw_server(old) as address:
        found = await probe(*address)
        assert (found.speaks, found.address) == (Speaks.TLS, "")
        assert "refused the handshake" in found.reason


async def test_http1_is_named():
    server = http_echo.start()
    try:
        found = await probe(*split(server.address))
        assert (found.speaks, "HTTP/1.1" in found.reason) == (Speaks.HTTP1, True)
    finally:
        server.stop()


async def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()
    assert await probe(*free) == (Speaks.NOTHING, "connection refused: nothing listens there", "", "")


@contextlib.contextmanager
def full_backlog() -> Iterator[tuple[str, int]]:
    """A port that takes no more connections: attempts stay unanswered."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()


async def test_a_port_that_does_not_take_the_connection_is_told_from_one_that_says_nothing():
    with full_backlog() as address:
        found = await probe(*address, timeout=0.3)
    assert (found.speaks, found.reason) == (Speaks.NOTHING, "it does not answer attempts to connect")


async def test_silence_costs_the_limit_and_no_more():
    with raw_server(lambda _, over: over.wait(20) and None) as address:
        started = time.monotonic()
        found = await probe(*address, timeout=0.3)
        assert time.monotonic() - started < 10
    assert (found.speaks, found.reason) == (Speaks.UNKNOWN, "it took the connection and said nothing for 0.3 s")


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", b"\x00" * 9, b"x", b""])
async def test_other_protocols(said):
    def talk(connection: socket.socket, _: object) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)

    with raw_server(talk) as address:
        assert (await probe(*address)).speaks is Speaks.UNKNOWN


BAD = {
    "long label": ("a" * 70, 80, "that is no host name"),
    "leading dot": (".x", 80, "that is no host name"),
    "port 0": ("127.0.0.1", 0, "there is no port 0"),
    "port too large": ("127.0.0.1", 65_616, "there is no port 65616"),  # a 16 bit port would be 80
    "NUL": ("a\0b", 80, ""),
}


@pytest.mark.parametrize(("host", "port", "says"), BAD.values(), ids=BAD)
async def test_names_that_are_none_do_not_raise(host, port, says):
    found = await probe(host, port)
    assert (found.speaks, says in found.reason) == (Speaks.NOTHING, True)


async def test_a_bad_server_name_does_not_raise():
    server = greeter.start()
    try:
        assert (await probe(*split(server.address), server_name=".")).speaks is Speaks.CLEARTEXT
    finally:
        server.stop(0)


async def test_unix_sockets(tmp_path):
    path = str(tmp_path / "s")
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    try:
        assert await probe_unix(path) == (Speaks.CLEARTEXT, "", path, "")
    finally:
        server.stop(0).wait()
    assert (await probe_unix(str(tmp_path / "none"))).reason == "there is no such socket"


def test_only_a_refusal_is_called_one():
    assert refusal(OSError(113, "Connect call failed ('10.0.0.1', 1)")) == "no route to the host"
    assert refusal(ConnectionRefusedError(111, "x")) == "connection refused: nothing listens there"
    both = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1'), [Errno 111] Connect call failed")
    assert refusal(both) == "connection refused: nothing listens there"
    assert refusal(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"
