"""One end of an HTTP/2 connection on raw frames: cheap enough for Python to keep a proxy busy from both sides.

Knows frames, flow control, SETTINGS and PING (RFC 9113), and nothing of header fields: header blocks come and go as
they are. The rule: nothing here is for use but under one's own load, where both sides behave.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_LARGEST = 16_384  # bytes of a DATA frame, unless the peer allows more; we never use more
_STREAM_WINDOW, _CONNECTION_WINDOW = 2**24, 2**30


class Link:
    """Frames in, frames out. What is to be sent gathers until `flush`."""

    def __init__(self, sock: socket.socket, opening: bytes = b"") -> None:
        self.socket = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._out = bytearray(opening)
        self._out += frame(SETTINGS, 0, 0, b"\0\x04" + _STREAM_WINDOW.to_bytes(4, "big"))
        self._out += frame(WINDOW_UPDATE, 0, 0, _CONNECTION_WINDOW.to_bytes(4, "big"))
        self._in = b""
        self._received = 0  # bytes of DATA since the peer's window was last opened
        self._window = self._initial = 65_535
        self._waiting: dict[int, _Waiting] = {}  # by stream, in the order in which they may send

    def send(self, stream: int, head: bytes, body: bytes, tail: bytes = b"") -> None:
        """A header block, a body, and a block of trailers; the stream ends with the last that there is."""
        self._out += frame(HEADERS, END_HEADERS, stream, head)
        self._waiting[stream] = _Waiting(body, tail, self._initial)
        if len(self._waiting) == 1:
            self._push()

    def flush(self) -> None:
        """Write what gathered; blocks while the peer does not read."""
        if self._out:
            self.socket.sendall(self._out)
            self._out.clear()

    def receive(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Read once. Yields (kind, flags, stream, payload) of HEADERS and DATA frames. Raises ConnectionError."""
        got = self.socket.recv(262_144)
        if not got:
            raise ConnectionResetError("the peer closed the connection")
        buffer, at = self._in + got, 0
        while len(buffer) - at >= 9:
            end = at + 9 + int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) < end:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream, payload = int.from_bytes(buffer[at + 5 : at + 9], "big"), buffer[at + 9 : end]
            if kind <= HEADERS:
                self._received += len(payload) if kind == DATA else 0
                yield kind, flags, stream, payload
            else:
                self._control(kind, flags, stream, payload)
            at = end
        self._in = buffer[at:]
        if self._received > _CONNECTION_WINDOW // 2:
            self._out += frame(WINDOW_UPDATE, 0, 0, self._received.to_bytes(4, "big"))
            self._received = 0

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if not stream:
                self._window += more
            elif stream in self._waiting:
                self._waiting[stream].window += more
            self._push()
        elif kind == SETTINGS and not flags & 1:
            self._settings(payload)
            self._out += frame(SETTINGS, 1, 0, b"")
        elif kind == PING and not flags & 1:
            self._out += frame(PING, 1, 0, payload)
        elif kind in (RST, GOAWAY):
            raise ConnectionResetError("the peer reset a call or closed the connection")

    def _settings(self, payload: bytes) -> None:
        for at in range(0, len(payload), 6):
            if payload[at : at + 2] == b"\0\x04":  # SETTINGS_INITIAL_WINDOW_SIZE holds for open streams too
                size = int.from_bytes(payload[at + 2 : at + 6], "big")
                for each in self._waiting.values():
                    each.window += size - self._initial
                self._initial = size
        self._push()

    def _push(self) -> None:
        """As much as the windows allow."""
        done = []
        for stream, each in self._waiting.items():
            if self._fill(stream, each):
                done.append(stream)
            if self._window <= 0:
                break
        for stream in done:
            del self._waiting[stream]

    def _fill(self, stream: int, waiting: _Waiting) -> bool:
        """Send of one stream; whether all of it went."""
        size = len(waiting.body)
        while True:
            room = max(0, min(_LARGEST, waiting.window, self._window))
            part = waiting.body[waiting.at : waiting.at + room]
            if not part and size:
                return False
            waiting.at += len(part)
            waiting.window -= len(part)
            self._window -= len(part)
            last = waiting.at == size
            self._out += frame(DATA, END_STREAM if last and not waiting.tail else 0, stream, part)
            if last:
                if waiting.tail:
                    self._out += frame(HEADERS, END_HEADERS | END_STREAM, stream, waiting.tail)
                return True


class _Waiting:
    """What of a stream is still to be sent."""

    __slots__ = ("at", "body", "tail", "window")

    def __init__(self, body: bytes, tail: bytes, window: int) -> None:
        self.body, self.tail, self.window, self.at = body, tail, window, 0


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
