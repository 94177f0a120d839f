"""A real gateway for tests: `isthmus run` as a process, its events, and clients that talk to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.edge.upstreams import greeter, http_echo, websocket_echo

SECONDS = 30.0


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Gateway:
    """`isthmus run` on free ports. Use it as a context; its end is checked: no process may be left."""

    def __init__(self, paths: Sequence[object], endpoints: Mapping[str, Sequence[str]], *more: str) -> None:
        """`more` are further arguments: options, or HOST:PORT of a bare server in place of paths."""
        self.http_port, self.https_port = free_ports(2)
        argv = [sys.executable, "-m", "isthmus", "run", "-o", "json", "--concurrency", "1", *more]
        for path in paths:
            argv += ["-f", str(path)]
        for service, addresses in endpoints.items():
            argv += ["--endpoint", f"{service}={','.join(addresses)}"]
        argv += ["--http-port", str(self.http_port), "--https-port", str(self.https_port)]
        self.events: list[dict[str, Any]] = []
        self._fresh: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors: list[str] = []
        self._api_seen = False
        self._readers = [threading.Thread(target=f, daemon=True) for f in (self._read_events, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            self.events.append(event)
            self._fresh.put(event)
        self._fresh.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def __enter__(self) -> Gateway:
        try:
            self.wait("ready")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(SECONDS)
        finally:
            self.process.kill()
            for reader in self._readers:
                reader.join()
            for pipe in (self.process.stdout, self.process.stderr):
                assert pipe is not None
                pipe.close()

    def wait(self, name: str, **fields: object) -> dict[str, Any]:
        """The next event of that name (with those fields)."""
        until = time.monotonic() + SECONDS
        while True:
            try:
                event = self._fresh.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {name} event; so far: {self.events}; {self.errors}") from None
            if event is None:
                raise AssertionError(f"the gateway ended before {name}: {self.events}; {self.errors}")
            if event["event"] == name and all(event.get(key) == value for key, value in fields.items()):
                return event

    def wait_for_api(self) -> dict[str, Any]:
        """The next time that a schema is known to be true."""
        known = [event for event in self.events if event["event"] == "api" and event["schema"]]
        fresh = known[-1:] if known and not known[-1]["failing"] and not self._api_seen else []
        self._api_seen = True
        return fresh[0] if fresh else self.wait("api", failing="")

    def wait_for_routes_of_api(self) -> dict[str, Any]:
        """As wait_for_api, and until Envoy has taken in what follows from it, which may be as early as ready."""
        known = self.wait_for_api()
        if all(event["event"] != "applied" for event in self.events[self.events.index(known) :]):
            self.wait("applied")
        return known

    def pid(self, kind: str) -> int:
        """The process of the last event of a kind: envoy-started, control-plane-started."""
        return next(event["pid"] for event in reversed(self.events) if event["event"] == kind)

    def diagnostics(self) -> list[str]:
        """Codes of all findings so far."""
        return [event["code"] for event in self.events if event["event"] == "diagnostic"]

    def get(self, host: str, path: str = "/", **options: Any) -> Answer:
        """One request on a connection of its own."""
        tls = options.pop("tls", False)
        return ask(self.https_port if tls else self.http_port, host, path, tls=tls, **options)


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = b"" if response.status == 101 else response.read()

    @property
    def replica(self) -> str:
        """Which echo server answered; empty where none did."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(self.body)["replica"])
        return ""


def trusting(ca: bytes | None) -> ssl.SSLContext:
    """A client's TLS context; without a CA it trusts everybody."""
    context = ssl.create_default_context(cadata=ca.decode() if ca else None)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def ask(port: int, host: str, path: str = "/", *, tls: bool = False, **options: Any) -> Answer:
    """One HTTP/1.1 request to the loopback address. Options: method, headers, and for TLS sni and ca."""
    plain = socket.create_connection(("127.0.0.1", port), SECONDS)
    try:
        sni = options.get("sni")
        name = host.partition(":")[0] if sni is None else sni
        sock = trusting(options.get("ca")).wrap_socket(plain, server_hostname=name) if tls else plain
    except BaseException:
        plain.close()
        raise
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.sock = sock
    try:
        connection.putrequest(options.get("method", "GET"), path, skip_host=True, skip_accept_encoding=True)
        for key, value in {"Host": host, **options.get("headers", {})}.items():
            connection.putheader(key, value)
        connection.endheaders()
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ask_with_body(port: int, host: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """One POST over HTTP/1.1 to the loopback address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        with contextlib.suppress(BrokenPipeError):  # refused while it was sent: the answer is there all the same
            connection.request("POST", path, body, {"host": host, **headers})
        return Answer(connection.getresponse())
    finally:
        connection.close()


@contextlib.contextmanager
def http_echoes(*names: str) -> Iterator[dict[str, str]]:
    """HTTP echo servers; name -> HOST:PORT."""
    yield from _servers(http_echo.start, names)


@contextlib.contextmanager
def greeters(*names: str) -> Iterator[dict[str, str]]:
    """gRPC servers; name -> HOST:PORT."""
    yield from _servers(greeter.start, names)


@contextlib.contextmanager
def websocket_echoes(*names: str) -> Iterator[dict[str, str]]:
    """WebSocket echo servers; name -> HOST:PORT."""
    yield from _servers(websocket_echo.start, names)


def _servers(start: Callable[..., Any], names: Sequence[str]) -> Iterator[dict[str, str]]:
    running = {name: start(replica=name) for name in names}
    try:
        yield {name: server.address for name, server in running.items()}
    finally:
        for server in running.values():
            server.stop()


def save(path: Path, text: str) -> None:
    """As editors do: write beside, rename over."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(text)
    os.replace(beside, path)


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
