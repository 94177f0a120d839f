"""Envoy's admin interface over its Unix socket: is it ready, what does it count, please drain.

Blocking, with a short time limit, so that a busy Envoy holds nobody up. Rule: an Envoy that cannot be reached
raises AdminError; only the questions about readiness answer for it.
"""

from __future__ import annotations

import socket
import time
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

LIVE = "LIVE"
_POLL_SECONDS = 0.005
_OPEN_WORK = r"^(http|tcp)\..*\.downstream_(rq|cx)_active$"


class AdminError(Exception):
    """Envoy is not there, or did not answer in time."""


class OpenWork(NamedTuple):
    """What clients have open: requests (and plain TCP connections) under way, and connections in all."""

    requests: int
    connections: int


class EnvoyAdmin:
    """One Envoy, by the path of its admin socket. Each question is a connection of its own."""

    def __init__(self, path: str, timeout: float = 0.5) -> None:
        self._path = path
        self._timeout = timeout

    def state(self) -> str:
        """LIVE, DRAINING, PRE_INITIALIZING or INITIALIZING; empty where Envoy is not to be reached."""
        try:
            return self._ask("GET", "/ready").strip()
        except AdminError:
            return ""

    def ready(self) -> bool:
        """Whether requests are answered."""
        return self.state() == LIVE

    def wait_until_ready(self, seconds: float = 30.0) -> bool:
        """Ask until requests are answered; False when that took too long. Envoy offers no signal to wait for."""
        give_up = time.monotonic() + seconds
        while not self.ready():
            if time.monotonic() > give_up:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose names match the regular expression. Raises AdminError."""
        lines = self._ask("GET", f"/stats?filter={pattern}").splitlines()
        pairs = (line.rpartition(": ") for line in lines)
        return {name: int(value) for name, _, value in pairs if value.isdigit()}

    def post(self, path: str) -> str:
        """Do something, for example `/healthcheck/fail`. Raises AdminError."""
        return self._ask("POST", path)

    def drain(self) -> bool:
        """Fail health checks, refuse new connections, ask clients to go; False where Envoy is not to be reached.

        Not `drain_listeners?graceful`: that accepts for --drain-time-s more, and cuts what is open after it.
        """
        try:
            self.post("/healthcheck/fail")
            self.post("/drain_listeners")
        except AdminError:
            return False
        return True

    def open_work(self) -> OpenWork:
        """What is open now, the admin interface's own not counted; nothing where Envoy is not to be reached."""
        try:
            stats = self.stats(_OPEN_WORK)
        except AdminError:
            return OpenWork(0, 0)
        counted = {name: value for name, value in stats.items() if not name.startswith("http.admin.")}
        requests = sum(value for name, value in counted.items() if "_rq_" in name or name.startswith("tcp."))
        return OpenWork(requests, sum(value for name, value in counted.items() if "_cx_" in name))

    def _ask(self, method: str, path: str) -> str:
        connection = _UnixConnection(self._path, self._timeout)
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            raise AdminError(f"Envoy's admin socket {self._path}: {error}") from error
        finally:
            connection.close()


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("envoy", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
