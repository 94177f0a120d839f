"""A tiny authorization server for tests: it does what the path says and remembers what it was asked."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator


class AuthServer:
    """`/STATUS` answers with that status; query parameters become headers of the answer, several times if given so.

    `/token` lets in who brings the cookie `token=right`, others get a 401.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []  # method, target, headers with names in lower case
        self._open: list[socket.socket] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer._open.append(self.connection)

            def log_message(self, format: str, *args: object) -> None: ...

            def __getattr__(self, name: str) -> object:
                if name.startswith("do_"):
                    return self._answer
                raise AttributeError(name)

            def _answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.command, self.path, headers))
                path, _, query = self.path.partition("?")
                right = "token=right" in headers.get("cookie", "")
                status = (200 if right else 401) if path == "/token" else int(path.strip("/").partition("/")[0])
                self.send_response(status)
                for name, value in urllib.parse.parse_qsl(query):
                    self.send_header(name, value)
                self.send_header("content-length", "4")
                self.end_headers()
                self.wfile.write(b"body")

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more; safe to call twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            for each in self._open:
                with contextlib.suppress(OSError):  # gone already
                    each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def auth_server(tls: ssl.SSLContext | None = None) -> Iterator[AuthServer]:
    """A server for the length of a with statement."""
    server = AuthServer(tls)
    try:
        yield server
    finally:
        server.stop()
