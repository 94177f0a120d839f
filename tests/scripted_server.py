"""A TCP server for tests that answers a path with exactly the bytes that it was told, and keeps what it received."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping

# In place of an answer: end the connection, or leave it open and say nothing (more).
CLOSE, HANG = b"\0close", b"\0hang"


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} Reason", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Scripted:
    """A running server; `received` holds the heads of requests as they came, `seen` is set by the first HANG."""

    def __init__(self, script: Mapping[str, bytes]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received: list[str] = []
        self.connections = 0
        self.seen = threading.Event()
        self.most_at_once = 0
        self._open: set[socket.socket] = set()
        self._busy = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.add(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        held = b""
        with contextlib.suppress(OSError), connection:
            while True:
                while b"\r\n\r\n" not in held:
                    data = connection.recv(65536)
                    if not data:
                        return
                    held += data
                head, _, held = held.partition(b"\r\n\r\n")
                if not self._answer(connection, head.decode("latin-1")):
                    return

    def _answer(self, connection: socket.socket, head: str) -> bool:
        with self._lock:
            self.received.append(head)
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
        path = head.split(" ")[1].partition("?")[0]
        scripted = self._script.get(path, answer(200))
        connection.sendall(scripted.removesuffix(CLOSE).removesuffix(HANG))
        with self._lock:
            self._busy -= 1
        if scripted.endswith(HANG):
            self.seen.set()
            return not connection.recv(1)
        return not scripted.endswith(CLOSE)

    def stop(self) -> None:
        """End everything."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextlib.contextmanager
def scripted(script: Mapping[str, bytes] | None = None) -> Iterator[Scripted]:
    """A server for the length of a test; a path that is not in the script gets an empty 200."""
    server = Scripted(script or {})
    try:
        yield server
    finally:
        server.stop()
