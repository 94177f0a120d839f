"""`isthmus demo` as its users run it: every printed line answers, and nothing is left when it ends, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import free_ports

from isthmus.app.demo_lines import Line, ask, tool


class Demo:
    """A demo with temporary files of its own; with -o json its events are read one by one."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.http, https = free_ports(2)
        argv = [sys.executable, "-m", "isthmus", "demo", *options]
        argv += ["--http-port", str(self.http), "--https-port", str(https)]
        environment = {**os.environ, "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def wait_for(self, kind: str) -> dict:
        """The next event of a kind."""
        for line in self.process.stdout:
            if line.startswith("{") and json.loads(line)["event"] == kind:
                return json.loads(line)
        raise AssertionError(f"the demo ended without {kind}")

    def finish(self) -> tuple[int, str]:
        """The exit code and what it said last, once it and all its descendants have ended."""
        output = self.process.stdout.read()  # ends when the last of those who inherited the pipe has ended
        return self.process.wait(), output

    @property
    def left(self) -> list[str]:
        """What is left on disk."""
        return [path.name for path in self.folder.iterdir()]


@pytest.fixture
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("d")  # short: socket paths are limited


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[Demo]:
    demo = Demo(folder, *options)
    watch = threading.Timer(60, demo.process.kill)
    watch.start()
    try:
        yield demo
    finally:
        watch.cancel()
        demo.process.kill()
        demo.process.wait()
        demo.process.stdout.close()


def test_check_asks_every_line_and_all_answer_as_expected(folder):
    with running(folder, "--check") as demo:
        code, output = demo.finish()
    assert code == 0, output
    assert output.count("\n$ ") >= 10
    assert "https://demo.kubesre.com:" in output  # the table
    for replica in ("greeter-1", "http-echo-1", "test-server"):
        assert re.search(rf"{replica} 127\.0\.0\.1:\d+", output), "whole on its line, however narrow the terminal"
    for answer in ("helloworld.Greeter", "Hello TLS", "greeter-3", "< hello", "308 https://secure.localhost:"):
        assert answer in output
    assert demo.left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything(folder, number):
    with running(folder, "-o", "json") as demo:
        served = demo.wait_for("serving")
        demo.process.send_signal(number)
        code, _ = demo.finish()
    assert code == 0
    assert demo.left == []
    for address in addresses(served):
        assert not answers(address)


def test_killed_without_a_chance_to_clean_up_it_leaves_no_process(folder):
    with running(folder, "-o", "json") as demo:
        served = demo.wait_for("serving")
        demo.process.kill()
        demo.finish()
    for address in addresses(served):
        assert not answers(address)


def test_a_port_in_use_is_said_in_one_line(folder):
    with running(folder) as demo, socket.create_server(("127.0.0.1", demo.http)):
        code, output = demo.finish()
    assert code == 3
    assert f"127.0.0.1:{demo.http} is already in use" in output
    assert "--http-port" in output
    assert "Traceback" not in output
    assert demo.left == []


def test_a_line_that_answers_otherwise_is_not_fine():
    answer = ask(Line("", "echo one; echo two >&2; exit 1", ("one", "two", "three")))
    assert answer.text == "one\ntwo\n"
    assert answer.missing == ("three",)
    assert not answer.fine


def test_a_line_may_be_asked_again(tmp_path):
    counted = f"echo x >> {tmp_path}/n; wc -l < {tmp_path}/n"
    assert ask(Line("", counted, ("1", "3"), tries=5)).text.split() == ["1", "2", "3"]


def test_tools_are_named_as_the_reader_can_call_them(monkeypatch):
    beside = Path(sys.executable).parent
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert tool("websockets") == str(beside / "websockets")
    assert tool("curl") == "curl"
    monkeypatch.setenv("PATH", str(beside))
    assert tool("websockets") == "websockets"


def addresses(served: dict) -> list[str]:
    """The gateway's and the servers'."""
    replicas = [address for backend in served["backends"] for _, address in backend["replicas"]]
    return [served["http"], served["https"], *replicas]


def answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
