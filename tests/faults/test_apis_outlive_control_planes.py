"""APIs under load while the control plane is killed: also when the server does not say its schema at that moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_load import ApiLoad
from gateways import Gateway, ask, free_ports

ADAPTER = "the adapter answers"
QUIET = ("--explorer-port", "0")
MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: books}
spec: {ports: [{name: grpc, port: 50051}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: books, annotations: {isthmus.dev/transcode: "true"}}
spec:
  ingressClassName: nginx
  rules:
    - &rule
      host: books.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: books, port: {name: grpc}}}}]}
    - {<<: *rule, host: "*.books.test"}
"""


class Books:
    """The library's server, a process."""

    def __init__(self, schema: str = "v1") -> None:
        (port,) = free_ports(1)
        self._argv = (sys.executable, str(Path(__file__).with_name("silent_library.py")), str(port), schema)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self._line()

    def say(self, word: str) -> None:
        """Return when it has heard `silent` or `answer`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        assert self._line() == word

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def books() -> Iterator[Books]:
    found = Books()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(params=["bare", "several", "manifest", "wildcard"])
def served(request: pytest.FixtureRequest, books: Books, tmp_path: Path) -> Iterator[tuple[Gateway, str]]:
    """A gateway and the host by which the API is called."""
    with contextlib.ExitStack() as stack:
        if request.param in ("bare", "several"):
            others = []
            if request.param == "several":
                others.append(Books("v2"))
                stack.callback(others[0].stop)
            gateway = Gateway([], {}, books.address, *(each.address for each in others), *QUIET)
        else:
            (tmp_path / "books.yaml").write_text(MANIFESTS)
            gateway = Gateway([tmp_path], {"default/books": [books.address]})
        stack.enter_context(gateway)
        gateway.wait_for_routes_of_api()
        if ADAPTER not in [event.get("message") for event in gateway.events]:
            gateway.wait("helper-live", message=ADAPTER)
        yield gateway, {"manifest": "books.test", "wildcard": "new.books.test"}.get(request.param, "any.test")


def kill(gateway: Gateway) -> None:
    """Return when the next one has started."""
    os.kill(gateway.pid("control-plane-started"), signal.SIGKILL)
    gateway.wait("control-plane-ended")
    gateway.wait("control-plane-started")


def test_no_request_is_lost(served: tuple[Gateway, str]) -> None:
    gateway, host = served
    with ApiLoad(gateway.http_port, host) as load:
        for _ in range(2):
            kill(gateway)
            gateway.wait("applied")
            load.wait_for(20)
    assert load.failed == []


def test_no_request_is_lost_while_the_server_does_not_say_its_schema(books: Books, served: tuple[Gateway, str]) -> None:
    gateway, host = served
    books.say("silent")
    with ApiLoad(gateway.http_port, host) as load:
        for _ in range(2):
            kill(gateway)
            gateway.wait("applied")
            load.wait_for(20)
    assert load.failed == []


def test_a_server_that_is_away_meanwhile_is_served_once_it_is_back(books: Books, served: tuple[Gateway, str]) -> None:
    gateway, host = served
    books.stop()
    gateway.wait("api", state="unreachable")
    kill(gateway)
    gateway.wait("api", state="unreachable")
    answer = ask(gateway.http_port, host, "/v1/shelves/1")
    assert (answer.status, answer.headers["content-type"]) == (503, "application/json"), "as before, not: no such path"
    books.start()
    gateway.wait("api", failing="")
    with ApiLoad(gateway.http_port, host) as load:
        pass
    assert load.failed == []
