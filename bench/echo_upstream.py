"""`python -m bench.echo_upstream PORT`: a gRPC server that sends every message back, for less than a real one costs.

It reads no header: whatever is called is echoed, but an order of the id `watch-12`, which comes back many times. It has
no reflection; gateways are given its schema as a file. Real clients check it before anything is measured.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator

import hpack

from bench.http2 import DATA, END_STREAM, PREFACE, Link
from bench.orders import WATCH_COUNT, WATCH_ID
from bench.processes import REST_CPU, free_port, pinned, wait_for_port


@contextlib.contextmanager
def echo_upstream() -> Iterator[int]:
    """The server as a process beside the load. Yields its port."""
    port = free_port()
    process = subprocess.Popen(pinned(REST_CPU, [sys.executable, "-m", "bench.echo_upstream", str(port)]))
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


class _Connection:
    """One client's connection."""

    def __init__(self, sock: socket.socket, head: bytes, tail: bytes) -> None:
        self.link = Link(sock)
        self._head, self._tail = head, tail
        self._preface = len(PREFACE)
        self._bodies: dict[int, bytes] = {}

    def on_readable(self) -> None:
        """Take in what came, answer each call that is complete. Raises ConnectionError."""
        if self._preface:
            got = self.link.socket.recv(self._preface)
            if not got:
                raise ConnectionResetError("a connection that said nothing")
            self._preface -= len(got)
            self.link.flush()
            return
        for kind, flags, stream, payload in self.link.receive():
            if kind == DATA:
                self._bodies[stream] = self._bodies.get(stream, b"") + payload
            if flags & END_STREAM:
                body = self._bodies.pop(stream, b"")
                self.link.send(stream, self._head, body * _count(body), self._tail)
        self.link.flush()


def _count(body: bytes) -> int:
    return WATCH_COUNT if body[7:15] == WATCH_ID else 1  # behind the 5 bytes of the frame, tag and length


def _block(*fields: tuple[str, str]) -> bytes:
    """Header fields that leave the peer's dynamic table alone, so that they may be sent again and again."""
    encoder = hpack.Encoder()
    return bytes(encoder.encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields]))


def serve(port: int) -> None:
    """Serve for ever."""
    head, tail = _block((":status", "200"), ("content-type", "application/grpc")), _block(("grpc-status", "0"))
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                accepted = listener.accept()[0]
                selector.register(accepted, selectors.EVENT_READ, _Connection(accepted, head, tail))
                continue
            try:
                key.data.on_readable()
            except OSError:
                selector.unregister(key.fileobj)
                key.data.link.socket.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        serve(int(sys.argv[1]))
