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
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # from here on, both mean: clean up and go
    try:
        with tempfile.TemporaryDirectory(prefix="isthmus-demo-") as folder, _servers() as backends:
            ca, secret = _certificates(Path(folder))
            paths = (str(examples()), str(secret))
            with _gateway(paths, backends, ports) as gateway:
                ready = gateway.wait_until_ready(view)
                if ready is None:
                    return gateway.wait()
                found = lines(ready["http"], ready["https"], ca)
                view.served(Served(ready["http"], ready["https"], paths, backends, found))
                code = _check(found, gateway, view) if check else 0
                gateway.follow(view)
                return gateway.wait() or code
    except KeyboardInterrupt:
        return INTERRUPTED


def examples() -> Path:
    """The manifests of the demo: in the installed package, or in the source tree."""
    package = Path(isthmus.__file__).parent
    for folder in (package / "examples" / "demo", package.parents[1] / "examples" / "demo"):
        if folder.is_dir():
            return folder
    raise DemoError(f"the example manifests are missing; expected in {package / 'examples'}: install isthmus again")


class Gateway:
    """`isthmus run` as a child. Signals that end the demo are passed on to it; it drains, and its output ends."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.told_to_stop = False
        self._child = child

    def stop(self, *_: object) -> None:
        """Drain and end; told a second time, end at once."""
        self.told_to_stop = True
        self._child.send_signal(signal.SIGINT)

    def wait_until_ready(self, view: View) -> Mapping[str, Any] | None:
        """Its `ready` event; None if it ends before."""
        for event in self._events():
            if event.get("event") == "ready":
                return event
            view.event(event)
        return None

    def follow(self, view: View) -> None:
        """Show what it says until it ends."""
        for event in self._events():
            view.event(event)

    def wait(self) -> int:
        """Its exit code."""
        return self._child.wait()

    def _events(self) -> Iterator[Mapping[str, Any]]:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)


@contextlib.contextmanager
def _gateway(paths: tuple[str, ...], backends: tuple[Backend, ...], ports: Ports) -> Iterator[Gateway]:
    command = [sys.executable, "-m", "isthmus", "run", "-o", "json"]
    command += ["--http-port", str(ports.http), "--https-port", str(ports.https)]
    command += [word for path in paths for word in ("-f", path)]
    command += [word for backend in backends for word in ("--endpoint", backend.endpoint)]
    # In a process group of its own, Ctrl-C reaches it once, from us, not twice.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, process_group=0)
    # If we die without a chance to clean up, the watchman's input ends and it tells the gateway.
    watchman = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill -TERM "$0"', str(child.pid)], stdin=subprocess.PIPE, process_group=0
    )
    gateway = Gateway(child)
    before = {number: signal.signal(number, gateway.stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield gateway
    finally:
        if child.poll() is None and not gateway.told_to_stop:
            gateway.stop()
        child.communicate()
        watchman.kill()
        watchman.communicate()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _servers() -> Iterator[tuple[Backend, ...]]:
    """All of them start at the same time; then each says where it listens."""
    wanted = (
        ("default/grpc-service:50051", "gRPC", "greeter", ("greeter-1", "greeter-2", "greeter-3")),
        ("default/demo-ws-svc:8080", "WebSocket, HTTP", "websocket_echo", ("demo-ws-1",)),
        ("default/http-echo:80", "HTTP", "http_echo", ("http-echo-1",)),
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
