"""A gRPC load generator on raw HTTP/2 frames: cheap enough for Python to keep a proxy busy.

Every request is the same bytes but for the stream id: headers without dynamic table entries, a 12-byte message.
Answers are counted by END_STREAM; a reset or GOAWAY voids the run.
"""

from __future__ import annotations

import selectors
import socket
import struct

import hpack

_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_MESSAGE = b"\0\0\0\0\x07\n\x05world"


class Connection:
    """One HTTP/2 connection with a fixed number of calls under way."""

    def __init__(self, port: int, authority: str, parallel: int) -> None:
        self.done = 0
        self._block = _headers(authority)
        self._next = 1
        self._buffer = b""
        self._unacked = 0
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        window = struct.pack("!HI", 4, 2**24)
        opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, window)
        self.socket.sendall(opening + _frame(8, 0, 0, struct.pack("!I", 2**30)))
        self.socket.sendall(b"".join(self._call() for _ in range(parallel)))

    def _call(self) -> bytes:
        stream, self._next = self._next, self._next + 2
        return _frame(_HEADERS, 0x4, stream, self._block) + _frame(_DATA, 0x1, stream, _MESSAGE)

    def on_readable(self) -> None:
        """Take in what came, answer each finished call with a new one."""
        self._buffer += self.socket.recv(262_144)
        at, out, buffer = 0, [], self._buffer
        while len(buffer) - at >= 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) - at - 9 < length:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            if kind <= _HEADERS:
                if flags & 1:
                    self.done += 1
                    out.append(self._call())
            elif kind == _SETTINGS and not flags & 1:
                out.append(_frame(_SETTINGS, 1, 0, b""))
            elif kind == _PING and not flags & 1:
                out.append(_frame(_PING, 1, 0, buffer[at + 9 : at + 9 + length]))
            elif kind in (_RST, _GOAWAY):
                raise RuntimeError("the proxy reset a call or closed the connection")
            at += 9 + length
        self._buffer = buffer[at:]
        if out:
            self.socket.sendall(b"".join(out))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _headers(authority: str) -> bytes:
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/helloworld.Greeter/SayHello"),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "grpc-c++/1.66.0 grpc-c/43.0.0 (linux; chttp2)"),
        ("grpc-accept-encoding", "identity, deflate, gzip"),
    ]
    encoder.encode(fields)  # announces the table size once; the next block is free of it
    return bytes(encoder.encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields]))


def run(port: int, authority: str, connections: int, parallel: int, calls: int) -> None:
    """Make so many calls in all and return when they are done."""
    selector = selectors.DefaultSelector()
    every = [Connection(port, authority, parallel) for _ in range(connections)]
    for each in every:
        selector.register(each.socket, selectors.EVENT_READ, each)
    while sum(each.done for each in every) < calls:
        for key, _ in selector.select():
            key.data.on_readable()
    for each in every:
        each.socket.close()
