"""An HTTP/1.1 server that answers with what it received, as JSON.

The query shapes the answer: ?status=503, ?delay_ms=200 (before the first byte), ?chunks=5&interval_ms=100 (a body in
pieces). The rule: what came in is shown as it came, decoded nowhere but in the body.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from isthmus.edge.upstreams.process import PemFiles, main

_GRACE_SECONDS = 2.0
_WITHOUT_BODY = (204, 304)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True
    wbufsize = -1  # status, fields and a short body leave in one packet
    server: _Listener

    def answer(self) -> None:
        """Any method."""
        address = urlsplit(self.path)
        asked = {key: values[-1] for key, values in parse_qs(address.query).items()}
        body = self._body()
        if delay := _number(asked, "delay_ms"):
            self.server.stopping.wait(delay / 1000)
        shown = json.dumps(self._seen(address.path, address.query, body)).encode() + b"\n"
        status = _number(asked, "status", 200)
        if "chunks" in asked:
            self._stream(status, shown, _number(asked, "chunks"), _number(asked, "interval_ms"))
        else:
            self._send(status, shown)

    def __getattr__(self, name: str) -> Any:
        """The library looks for do_GET, do_POST and so on."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the demo's terminal belongs to the reader."""

    def _seen(self, path: str, query: str, body: bytes) -> dict[str, Any]:
        return {
            "method": self.command,
            "path": path,
            "query": query,
            "headers": [list(pair) for pair in self.headers.items()],
            "body": body.decode(errors="replace"),
            "replica": self.server.replica,
            "http_version": self.request_version,
            "tls": self.connection.version() if isinstance(self.connection, ssl.SSLSocket) else None,
        }

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self._line().partition(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self._line()
        while self._line().strip():  # trailers
            pass
        return b"".join(pieces)

    def _line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise ConnectionError("the client left in the middle of a body")
        return line

    def _send(self, status: int, body: bytes) -> None:
        self._head(status)
        bodiless = status in _WITHOUT_BODY
        if not bodiless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not bodiless and self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self, status: int, shown: bytes, chunks: int, interval_ms: int) -> None:
        """What was received as the first piece, then numbered lines, each sent at once."""
        self._head(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(chunks):
            if number:
                self.server.stopping.wait(interval_ms / 1000)
            piece = b'{"chunk": %d}\n' % number if number else shown
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Served-By", self.server.replica)
        if self.server.stopping.is_set():
            self.send_header("Connection", "close")


def _number(asked: dict[str, str], name: str, default: int = 0) -> int:
    text = asked.get(name, "")
    return int(text) if text.isdecimal() else default


class _Listener(ThreadingHTTPServer):
    """Knows its open connections, so that stopping need not wait for idle ones."""

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, host: str, port: int, replica: str, tls: PemFiles | None) -> None:
        self.replica = replica
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()
        self.changed = threading.Condition()
        self._tls = _context(tls) if tls else None
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without the look-up of a host name that HTTPServer makes, which can take seconds."""
        TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        if self._tls:  # the handshake happens at the first read, in the connection's own thread
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self.changed:
            self.open.add(connection)
        return connection, peer

    def close_request(self, request: Any) -> None:
        super().close_request(request)
        with self.changed:
            self.open.discard(request)
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or spoke no TLS, is no news; anything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _context(tls: PemFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context


class HttpEcho:
    """A running server."""

    def __init__(self, listener: _Listener) -> None:
        host, port = listener.server_address[:2]
        self.address = f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"
        self.replica = listener.replica
        self._listener = listener
        self._thread = threading.Thread(target=listener.serve_forever, args=(0.05,), name=self.replica, daemon=True)
        self._thread.start()

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Refuse new connections, let running requests end within `grace` seconds, then cut them."""
        self._listener.stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._end_all(socket.SHUT_RD)  # idle ones see the end of their requests, busy ones still answer
        with self._listener.changed:
            self._listener.changed.wait_for(lambda: not self._listener.open, grace)
        self._end_all(socket.SHUT_RDWR)
        self._thread.join()

    def _end_all(self, how: int) -> None:
        with self._listener.changed:
            for connection in self._listener.open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, how)  # SSLSocket's own would drop the encryption


def start(
    host: str = "127.0.0.1", port: int = 0, replica: str = "http-echo-1", tls: PemFiles | None = None
) -> HttpEcho:
    """Serve in threads of this process. Raises OSError."""
    return HttpEcho(_Listener(host, port, replica, tls))


if __name__ == "__main__":
    sys.exit(main(start, "http-echo-1"))
