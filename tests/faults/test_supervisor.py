"""Everything that can be killed is killed, under load, with the real Envoy."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import pty
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from isthmus.edge.envoy_admin import EnvoyAdmin

SCRIPT = Path(__file__).with_name("supervised.py")


def free_port() -> int:
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Upstream:
    """Answers a request only when it is let go."""

    def __init__(self) -> None:
        self.arrived, self.let_go = threading.Event(), threading.Event()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            self.arrived.set()
            self.let_go.wait(30)
            handler.send_response(200)
            handler.send_header("content-length", "4")
            handler.end_headers()
            handler.wfile.write(b"done")

        methods = {"do_GET": answer, "log_message": lambda *_: None, "protocol_version": "HTTP/1.1"}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (BaseHTTPRequestHandler,), methods))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Supervised:
    """A running supervisor, and what it and its control plane have said so far."""

    def __init__(self, port: int, upstream: int = 1, drain: float = 5.0, bootstrap: str = "", **options) -> None:
        self.port = port
        self.seen: list[dict] = []
        arguments = [str(port), str(upstream), str(drain), *([bootstrap] if bootstrap else [])]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        self.process = subprocess.Popen([sys.executable, str(SCRIPT), *arguments], **options)

    def until(self, kind: str) -> dict:
        """The next event of that kind."""
        for line in self.process.stdout:
            self.seen.append(json.loads(line))
            if self.seen[-1]["kind"] == kind:
                return self.seen[-1]
        raise AssertionError(f"no {kind!r} in {self.seen}; stderr: {self.process.stderr.read()}")

    def last(self, kind: str) -> dict:
        return [event for event in self.seen if event["kind"] == kind][-1]

    def pid(self, which: str) -> int:
        kind = f"{which}-started"  # of another process than `ready`, so perhaps not here yet
        known = any(event["kind"] == kind for event in self.seen)
        return (self.last(kind) if known else self.until(kind))["pid"]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.rest()

    def rest(self) -> int:
        self.seen += map(json.loads, self.process.stdout)
        return self.process.wait(20)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.let_go.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def start(monkeypatch) -> Iterator[Callable[..., Supervised]]:
    made: list[Supervised] = []
    folder = tempfile.mkdtemp(prefix="isth-")  # others clean up in theirs; tmp_path may be too long for a socket
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)

    def run(**arguments) -> Supervised:
        made.append(Supervised(**{"port": free_port(), **arguments}))
        return made[-1]

    yield run
    for each in made:
        if each.process.poll() is None:
            each.end()
        each.process.stdout.close()
        each.process.stderr.close()
    shutil.rmtree(folder)


class Load:
    """Four clients on kept connections, and the time and outcome of every request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.failed: list[float] = []
        self.answered: list[float] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._client) for _ in range(4)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.wait_for_answer_after(time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answer_after(self, moment: float) -> float:
        """When the first request after `moment` was answered."""
        while not (self.answered and self.answered[-1] > moment):
            self._over.wait(0.001)
        return next(when for when in self.answered if when > moment)

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        while not self._over.is_set():
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                response.read()
                (self.answered if response.status == 200 else self.failed).append(time.monotonic())
            except (OSError, http.client.HTTPException):
                self.failed.append(time.monotonic())
                connection.close()
        connection.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process that is not ours ends in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle):
        return bool(select.select([handle], [], [], seconds)[0])


def test_a_killed_control_plane_costs_no_request(start):
    it = start()
    it.until("ready")
    envoy, first = it.pid("envoy"), it.pid("control-plane")
    with Load(it.port) as load:
        for _ in range(3):
            os.kill(it.pid("control-plane"), signal.SIGKILL)
            assert "SIGKILL" in it.until("control-plane-ended")["message"]
            assert it.until("told")["message"] == f"envoy {envoy}"  # the new one knows the old Envoy
            it.until("ready")
    assert load.failed == []
    assert load.answered
    assert it.pid("control-plane") != first
    assert it.pid("envoy") == envoy and alive(envoy)


def test_envoy_finds_a_new_control_plane_at_once(start):
    it = start()
    it.until("ready")
    admin = EnvoyAdmin(it.last("runtime")["message"] + "/admin.sock")
    name = "control_plane.connected_state"
    for _ in range(3):
        os.kill(it.pid("control-plane"), signal.SIGKILL)
        it.until("control-plane-ended")
        while admin.stats(name)[name]:
            pass
        it.until("ready")  # it listened a moment ago
        began = time.monotonic()
        while not admin.stats(name)[name]:
            assert time.monotonic() - began < 10


def test_a_killed_envoy_is_back_soon(start):
    it = start()
    it.until("ready")
    with Load(it.port) as load:
        killed = time.monotonic()
        os.kill(it.pid("envoy"), signal.SIGKILL)
        assert "SIGKILL" in it.until("envoy-ended")["message"]
        it.until("envoy-live")
        gap = load.wait_for_answer_after(max(load.failed)) - killed
    assert gap < 10, f"{gap:.3f} s"


def test_a_taken_port_is_named_before_anything_starts(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        began = time.monotonic()
        it = start(port=taken.getsockname()[1])
        assert it.rest() == 3
        assert time.monotonic() - began < 10  # no wait for a port that may come free
    message = it.last("error")["message"]
    assert f"127.0.0.1:{it.port} is already in use, by pid {os.getpid()} (" in message
    assert "--http-port" in message
    assert [event["kind"] for event in it.seen] == ["runtime", "error"]
    assert not Path(it.last("runtime")["message"]).exists()


def test_an_envoy_that_cannot_start_says_why(start):
    it = start(bootstrap='{"bogus": 1}')
    it.until("envoy-started")
    began = time.monotonic()
    assert it.rest() == 3
    assert time.monotonic() - began < 10
    message = it.last("error")["message"]
    assert "exit code 1" in message and "'bogus'" in message
    assert not alive(it.pid("control-plane"))


def test_a_program_that_is_no_envoy_is_told(start, tmp_path, monkeypatch):
    wrong = tmp_path / "envoy"
    wrong.write_bytes(b"\x7fELF")
    wrong.chmod(0o755)
    monkeypatch.setenv("ISTHMUS_ENVOY", str(wrong))
    it = start()
    assert it.rest() == 3
    assert str(wrong) in it.last("error")["message"]


def test_a_control_plane_that_refuses_its_input_ends_the_run(start):
    it = start(port=0)
    assert it.rest() == 2
    assert it.process.stderr.read() == "Error: no such file: nowhere.yaml\n"
    assert all(event["kind"] != "control-plane-ended" for event in it.seen)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_under_way_is_finished_before_the_end(start, upstream, number):
    it = start(upstream=upstream.server.server_port, drain=20.0)
    it.until("ready")
    connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=20)
    connection.request("GET", "/up")
    assert upstream.arrived.wait(10)
    it.process.send_signal(number)
    it.until("draining")
    refused = False
    while not refused:  # the listener closes in Envoy's worker, a moment later
        try:
            socket.create_connection(("127.0.0.1", it.port), timeout=1).close()
        except (ConnectionResetError, TimeoutError):
            continue  # it was waiting to be accepted when the listener closed, or nobody accepts any more
        except ConnectionRefusedError:
            refused = True
    upstream.let_go.set()
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"done")
    assert response.headers["connection"] == "close"
    answered = time.monotonic()
    assert it.rest() == 0
    assert time.monotonic() - answered < 15  # it does not wait for the rest of the 20 s
    assert not alive(it.pid("envoy")) and not alive(it.pid("control-plane"))
    assert not Path(it.last("runtime")["message"]).exists()
    assert "envoy-ended" not in [event["kind"] for event in it.seen]


def test_a_request_that_never_ends_is_given_the_drain_seconds(start, upstream):
    it = start(upstream=upstream.server.server_port, drain=0.5)
    it.until("ready")
    connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=20)
    connection.request("GET", "/up")
    assert upstream.arrived.wait(10)
    began = time.monotonic()
    assert it.end() == 0
    assert 0.5 <= time.monotonic() - began < 20
    connection.close()


def test_an_idle_connection_does_not_hold_up_the_end(start):
    it = start(drain=20.0)
    it.until("ready")
    connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=20)
    connection.request("GET", "/")
    connection.getresponse().read()
    began = time.monotonic()
    assert it.end() == 0
    assert time.monotonic() - began < 15
    connection.close()


def test_a_second_signal_does_not_wait(start, upstream):
    it = start(upstream=upstream.server.server_port, drain=60.0)
    it.until("ready")
    connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=20)
    connection.request("GET", "/up")
    assert upstream.arrived.wait(10)
    it.process.send_signal(signal.SIGINT)
    it.until("draining")
    began = time.monotonic()
    assert it.end(signal.SIGINT) == 130
    assert time.monotonic() - began < 15
    assert not alive(it.pid("envoy")) and not alive(it.pid("control-plane"))
    connection.close()


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_cleans_up(start):
    it = start()
    it.until("ready")
    envoy, control_plane = it.pid("envoy"), it.pid("control-plane")
    left = Path(it.last("runtime")["message"])
    it.end(signal.SIGKILL)
    assert wait_gone(envoy) and wait_gone(control_plane)
    assert left.exists()
    other = start(port=it.port)
    other.until("ready")
    assert not left.exists()
    assert Path(other.last("runtime")["message"]).exists()


def test_hangup_is_passed_on_as_the_wish_to_reload(start):
    it = start()
    it.until("ready")
    it.process.send_signal(signal.SIGHUP)
    it.until("reloaded")
    assert alive(it.pid("envoy"))


def test_a_closed_terminal_ends_the_run(start):
    master, slave = pty.openpty()

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    it = start(stdin=slave, preexec_fn=own_terminal)
    os.close(slave)
    it.until("ready")
    os.close(master)
    assert it.rest() == 0
    assert not alive(it.pid("envoy"))


def test_a_reader_that_went_away_does_not_end_the_traffic(start):
    it = start()
    it.until("ready")
    envoy = it.pid("envoy")
    it.process.stdout.close()
    with Load(it.port) as load:
        control_plane = it.pid("control-plane")
        os.kill(control_plane, signal.SIGKILL)
        assert wait_gone(control_plane)
        load.wait_for_answer_after(time.monotonic())
    assert load.failed == [] and alive(envoy)
    it.process.send_signal(signal.SIGTERM)
    assert it.process.wait(20) == 0
