"""An HTTP server behind gateways under test: tells what reached it, and answers as the request says.

The answer is a JSON document with the headers by name, so that two answers can be compared place by place. A request
header `x-NAME-status: 503` chooses the status where NAME is the server's, `x-NAME-header: A: b | C: d` adds headers,
`x-NAME-delay-ms: 200` waits; another server on the way, with another name, is not meant.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

_MOST_SHOWN = 200  # characters of a body
_WITHOUT_BODY = (204, 304)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener

    def __getattr__(self, name: str) -> Any:
        """The library looks for do_GET, do_POST and so on."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _answer(self) -> None:
        name = self.server.told_as
        seen = {
            "server": name,
            "method": self.command,
            "target": self.path,
            "protocol": self.request_version,
            "headers": self._headers(),
            "body": self._body(),
        }
        self.server.take(seen)
        if delay := int(self.headers.get(f"x-{name}-delay-ms", "0")):
            self.server.stopping.wait(delay / 1000)
        self._send(int(self.headers.get(f"x-{name}-status", "200")), json.dumps(seen, indent=1).encode())

    def _headers(self) -> dict[str, str]:
        names = sorted({name.lower() for name in self.headers})
        return {name: ", ".join(self.headers.get_all(name, ())) for name in names}

    def _body(self) -> str:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(pieces)
        else:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = body.decode(errors="replace")
        return text if len(text) <= _MOST_SHOWN else f"{len(body)} bytes"

    def _send(self, status: int, body: bytes) -> None:
        bodiless = status in _WITHOUT_BODY
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for pair in filter(None, self.headers.get(f"x-{self.server.told_as}-header", "").split(" | ")):
            self.send_header(*pair.split(": ", 1))
        if not bodiless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not bodiless and self.command != "HEAD":
            self.wfile.write(body)


class _Listener(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, name: str) -> None:
        self.told_as = name
        self.stopping = threading.Event()
        self._seen: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Without the look-up of a host name."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A gateway that went away is no news."""

    def take(self, seen: dict[str, Any]) -> None:
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()

    def wait(self, target: str, count: int, seconds: float) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]]:
            return [each for each in self._seen if each["target"] == target]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count, seconds)
            return found()


class TellingServer:
    """A running one."""

    def __init__(self, name: str) -> None:
        self._listener = _Listener(name)
        self.address = f"127.0.0.1:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), name=name, daemon=True)
        self._thread.start()

    def seen(self, target: str, count: int = 0, seconds: float = 10.0) -> list[dict[str, Any]]:
        """The requests for a target so far; waits until there are `count`, but not longer than `seconds`."""
        return self._listener.wait(target, count, seconds)

    def stop(self) -> None:
        """End it; requests that wait are answered."""
        self._listener.stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


@contextlib.contextmanager
def telling(names: Sequence[str]) -> Iterator[dict[str, TellingServer]]:
    """Servers of these names."""
    with contextlib.ExitStack() as stack:
        servers = {name: TellingServer(name) for name in names}
        for server in servers.values():
            stack.callback(server.stop)
        yield servers
