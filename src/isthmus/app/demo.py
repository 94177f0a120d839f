"""The demo: real servers, a certificate and a gateway on the example manifests, as child processes.

It wires and shows nothing itself. The rule: nothing outlives it, however it ends; children end with their standard
input, and what they left on disk goes with the temporary folder.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

import isthmus
from isthmus.app.demo_lines import Answer, Line, ask, lines
from isthmus.edge import pki

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HOSTS = ("demo.kubesre.com", "secure.localhost", "localhost")
_SECRET = ("default", "kubesre-tls")  # as the manifests name it


class DemoError(Exception):
    """The demo cannot start; the message says what to do."""


class Backend(Struct, frozen=True):
    """A Service of the manifests with the servers behind it: name and IP:PORT of each."""

    service: str
    protocol: str
    replicas: tuple[tuple[str, str], ...]

    @property
    def endpoint(self) -> str:
        """The value of --endpoint."""
        return f"{self.service}={','.join(address for _, address in self.replicas)}"


class Served(Struct, frozen=True):
    """A gateway that answers: its addresses (IP:PORT), the manifests, what is behind them, lines to paste."""

    http: str
    https: str
    paths: tuple[str, ...]
    backends: tuple[Backend, ...]
    lines: tuple[Line, ...]


class Setup(Struct, frozen=True):
    """What the gateway is given: manifests and backends; `ca` is the file of the authority behind the Secret."""

    paths: tuple[str, ...]
    backends: tuple[Backend, ...]
    ca: Path

    def served(self, http: str, https: str) -> Served:
        """The same, once a gateway answers on these addresses."""
        return Served(http, https, self.paths, self.backends, lines(http, https, self.ca))


class View(Protocol):
    """Shows what happens."""

    def served(self, served: Served) -> None: ...

    def event(self, event: Mapping[str, Any]) -> None: ...

    def answered(self, line: Line, answer: Answer) -> None: ...

    def checked(self, fine: int, of: int) -> None: ...


class Ports(Struct, frozen=True):
    """Where the gateway is to listen."""

    http: int
    https: int


def run(ports: Ports, check: bool, view: View) -> int:
    """Serve until Ctrl-C or, with `check`, until every line has been asked; returns the exit code."""
    _require_extras()
    for number in _SIGNALS:
        signal.signal(number, _leave)
    try:
        with tempfile.TemporaryDirectory(prefix="isthmus-demo-") as folder, _servers() as backends:
            ca, secret = _certificates(Path(folder))
            setup = Setup((str(examples()), str(secret)), backends, ca)
            with _gateway(setup, ports) as gateway:
                return _serve(gateway, setup, check, view)
    except KeyboardInterrupt:
        return INTERRUPTED


def _leave(*_: object) -> None:
    """Clean up and go; told a second time, go on cleaning up."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _serve(gateway: Gateway, setup: Setup, check: bool, view: View) -> int:
    """Show the gateway's events until it ends."""
    answers, code = False, 0
    ready: Mapping[str, Any] = {}
    schema = False
    for event in gateway.events():
        ready = event if event.get("event") == "ready" else ready
        schema |= event.get("event") == "api" and bool(event.get("schema"))
        if answers or not (ready and schema):
            if event is not ready:
                view.event(event)
            continue
        answers = True
        served = setup.served(ready["http"], ready["https"])
        view.served(served)
        if check:
            code = _check(served.lines, gateway, view)
    ended = gateway.wait()
    return INTERRUPTED if gateway.told_to_stop and not answers else ended or code


def examples() -> Path:
    """The manifests of the demo: in the installed package, or in the source tree."""
    package = Path(isthmus.__file__).parent
    for folder in (package / "examples" / "demo", package.parents[1] / "examples" / "demo"):
        if folder.is_dir():
            return folder
    raise DemoError(f"the example manifests are missing; expected in {package / 'examples'}: install isthmus again")


class Gateway:
    """`isthmus run` as a child. Signals that end the demo are passed on to it; it drains, and its output ends."""

    def __init__(self) -> None:
        self.told_to_stop = False
        self._child: subprocess.Popen[str] | None = None

    def start(self, command: list[str]) -> int:
        """Start it; its process id. In a process group of its own, Ctrl-C reaches it once: from us."""
        self._child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, process_group=0
        )
        if self.told_to_stop:
            self._child.terminate()
        return self._child.pid

    def stop(self, *_: object) -> None:
        """Drain and end; told a second time, end at once."""
        self.told_to_stop = True
        if self._child:
            self._child.terminate()

    def events(self) -> Iterator[Mapping[str, Any]]:
        """What it says until it ends."""
        assert self._child is not None and self._child.stdout is not None
        for line in self._child.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)

    def wait(self) -> int:
        """Its exit code."""
        assert self._child is not None
        return self._child.wait()

    def end(self) -> None:
        """Make sure that it is gone."""
        assert self._child is not None
        if self._child.poll() is None and not self.told_to_stop:
            self.stop()
        self._child.communicate()


@contextlib.contextmanager
def _gateway(setup: Setup, ports: Ports) -> Iterator[Gateway]:
    command = [sys.executable, "-m", "isthmus", "run", "-o", "json"]
    command += ["--http-port", str(ports.http), "--https-port", str(ports.https)]
    command += [word for path in setup.paths for word in ("-f", path)]
    command += [word for backend in setup.backends for word in ("--endpoint", backend.endpoint)]
    gateway = Gateway()
    before = {number: signal.signal(number, gateway.stop) for number in _SIGNALS}
    try:
        with _watchman(gateway.start(command)):
            try:
                yield gateway
            finally:
                gateway.end()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _watchman(pid: int) -> Iterator[None]:
    """Ends the process if we die without a chance to: the watchman's input ends then, as the servers' does."""
    watch = ["/bin/sh", "-c", 'read -r _; kill -TERM "$0"', str(pid)]
    with subprocess.Popen(watch, stdin=subprocess.PIPE, process_group=0) as watchman:
        try:
            yield
        finally:
            watchman.kill()


@contextlib.contextmanager
def _servers() -> Iterator[tuple[Backend, ...]]:
    """All of them start at the same time; then each says where it listens."""
    wanted = (
        ("default/grpc-service:50051", "gRPC", "greeter", ("greeter-1", "greeter-2", "greeter-3")),
        ("default/demo-ws-svc:8080", "WebSocket, HTTP", "websocket_echo", ("demo-ws-1",)),
        ("default/http-echo:80", "HTTP", "http_echo", ("http-echo-1",)),
        ("default/echo-api:1234", "gRPC", "echo", ("test-server",)),
    )
    with contextlib.ExitStack() as stack:
        started = [
            (service, protocol, [(name, stack.enter_context(_server(module, name))) for name in names])
            for service, protocol, module, names in wanted
        ]
        yield tuple(
            Backend(service, protocol, tuple((name, _address(name, child)) for name, child in children))
            for service, protocol, children in started
        )


@contextlib.contextmanager
def _server(module: str, name: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", f"isthmus.edge.upstreams.{module}", "--replica", name, "--exit-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        env={**os.environ, "GRPC_VERBOSITY": "ERROR"},
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate()


def _address(name: str, child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    word, _, address = child.stdout.readline().strip().partition(" ")
    if word != "listening":
        raise DemoError(f"the server {name} did not start (exit code {child.wait()}); its own words are above")
    return address


def _certificates(folder: Path) -> tuple[Path, Path]:
    """Files with the authority's certificate and with the Secret."""
    root = pki.authority("Isthmus demo")
    ca, secret = folder / "ca.pem", folder / "secret.yaml"
    ca.write_bytes(root.cert_pem)
    secret.touch(mode=0o600)
    secret.write_text(pki.secret_manifest(*_SECRET, pki.leaf(root, _HOSTS)))
    return ca, secret


def _check(found: tuple[Line, ...], gateway: Gateway, view: View) -> int:
    fine = 0
    for line in found:
        answer = ask(line)
        if gateway.told_to_stop:
            return INTERRUPTED
        view.answered(line, answer)
        fine += answer.fine
    view.checked(fine, len(found))
    gateway.stop()
    return 0 if fine == len(found) else 1


def _require_extras() -> None:
    missing = [name for name in ("grpc_reflection", "websockets") if importlib.util.find_spec(name) is None]
    if missing:
        raise DemoError(
            f"the demo needs packages that are not installed: {', '.join(missing)}. Run: pip install 'isthmus[demo]'"
        )
