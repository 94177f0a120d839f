"""A load generator on raw HTTP/2 frames and HTTP/1.1 keep-alive: cheap enough for Python to keep a proxy busy.

Every request of a run is the same bytes but for the stream id: headers without dynamic table entries, one body.
Answers are counted by their end; a reset, a closed connection, or a status other than 200 voids the run.
"""

from __future__ import annotations

import selectors
import socket
from typing import NamedTuple, Protocol

import hpack

from bench.http2 import DATA, END_STREAM, PREFACE, Link

_GRPC = (
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-c++/1.66.0 grpc-c/43.0.0 (linux; chttp2)"),
    ("grpc-accept-encoding", "identity, deflate, gzip"),
)
_AGENT = ("user-agent", "curl/8.10.1")


class Shape(NamedTuple):
    """Connections, and calls under way on each; HTTP/1.1 has one."""

    connections: int
    parallel: int
    http1: bool = False


class Request(NamedTuple):
    """A POST. `headers` are all but the protocol's own."""

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    authority: str = "bench.test"

    @property
    def block(self) -> bytes:
        """The header block, free of dynamic table entries."""
        encoder = hpack.Encoder()
        encoder.header_table_size = 0
        own = ((":method", "POST"), (":scheme", "http"), (":path", self.path), (":authority", self.authority))
        fields = (*own, *self.headers)
        encoder.encode(fields)  # announces the table size once; the next block is free of it
        return bytes(encoder.encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields]))

    @property
    def text(self) -> bytes:
        """The whole request in HTTP/1.1."""
        own = (("host", self.authority), ("content-length", str(len(self.body))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in (*own, *self.headers))
        return f"POST {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + self.body


def grpc(path: str, message: bytes) -> Request:
    """A unary gRPC call, with the headers of a grpc-c++ client."""
    return Request(path, framed(message), _GRPC)


def grpc_web(path: str, message: bytes) -> Request:
    """A unary gRPC-Web call, binary."""
    kind = "application/grpc-web+proto"
    return Request(path, framed(message), (("content-type", kind), ("accept", kind), ("x-grpc-web", "1"), _AGENT))


def connect(path: str, message: bytes) -> Request:
    """A unary Connect call with a protobuf body."""
    return Request(path, message, (("content-type", "application/proto"), ("connect-protocol-version", "1"), _AGENT))


def rest(path: str, json: bytes) -> Request:
    """JSON, with the headers of curl."""
    return Request(path, json, (("content-type", "application/json"), ("accept", "*/*"), _AGENT))


def framed(message: bytes) -> bytes:
    """With gRPC's prefix of five bytes."""
    return b"\0" + len(message).to_bytes(4, "big") + message


GREETING = grpc("/helloworld.Greeter/SayHello", b"\n\x05world")


class _Budget:
    """How many calls are still to be begun, how many ended, and the bytes of their answers."""

    def __init__(self, calls: int) -> None:
        self.left, self.done, self.bytes = calls, 0, 0

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


class _Connection(Protocol):
    socket: socket.socket

    def on_readable(self) -> None: ...


class _Http2:
    """One HTTP/2 connection with a fixed number of calls under way."""

    def __init__(self, port: int, request: Request, parallel: int, budget: _Budget) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self._link = Link(self.socket, PREFACE)
        self._block, self._body, self._budget, self._next = request.block, request.body, budget, 1
        for _ in range(parallel):
            self._call()
        self._link.flush()

    def _call(self) -> None:
        if self._budget.take():
            self._link.send(self._next, self._block, self._body)
            self._next += 2

    def on_readable(self) -> None:
        """Take in what came, answer each finished call with a new one."""
        budget = self._budget
        for kind, flags, _, payload in self._link.receive():
            if kind == DATA:
                budget.bytes += len(payload)
            if flags & END_STREAM:
                budget.done += 1
                self._call()
        self._link.flush()


class _Http1:
    """One HTTP/1.1 connection that is kept alive, with one call under way."""

    def __init__(self, port: int, request: Request, budget: _Budget) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._text, self._budget = request.text, budget
        self._head, self._parts, self._lacks = b"", 0, 0
        self._call()

    def _call(self) -> None:
        if self._budget.take():
            self.socket.sendall(self._text)

    def on_readable(self) -> None:
        """Take in what came; when the answer is whole, call again."""
        got = self.socket.recv(262_144)
        if not got:
            raise ConnectionResetError("the proxy closed the connection")
        if self._lacks:
            self._lacks -= len(got)
        else:
            self._head += got
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._parts = _content_length(head)
            self._lacks, self._head = self._parts - len(body), b""
        if not self._lacks:
            self._budget.done += 1
            self._budget.bytes += self._parts
            self._call()


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    if not lowered.startswith(b"http/1.1 200 ") or b"\r\ncontent-length:" not in lowered:
        raise RuntimeError(f"expected 200 with a content-length, got {head[:200]!r}")
    return int(lowered.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])


def run(port: int, request: Request, shape: Shape, calls: int) -> float:
    """Make exactly so many calls and return when all are answered. Returns the mean size of an answer's body."""
    budget, selector = _Budget(calls), selectors.DefaultSelector()
    every: list[_Connection] = [
        _Http1(port, request, budget) if shape.http1 else _Http2(port, request, shape.parallel, budget)
        for _ in range(shape.connections)
    ]
    for each in every:
        selector.register(each.socket, selectors.EVENT_READ, each)
    while budget.done < calls:
        for key, _ in selector.select():
            key.data.on_readable()
    for each in every:
        each.socket.close()
    return budget.bytes / calls
