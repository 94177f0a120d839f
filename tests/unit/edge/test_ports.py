"""Ports that can and cannot be listened on, and what is said about them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from isthmus.edge import ports
from isthmus.edge.ports import Port, preflight


@pytest.fixture(params=["127.0.0.1", "::1"])
def taken(request) -> Iterator[tuple[str, int]]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((request.param, 0))
        listening.listen()
        yield listening.getsockname()[:2]


def test_a_taken_port_is_named_with_its_holder_and_the_flag(taken):
    address, port = taken
    message = preflight(Port(address, port, "--https-port"))
    assert message and message.startswith(f"{address}:{port} is already in use, by pid {os.getpid()} (")
    assert "py" in message and "--https-port" in message and "\n" not in message


def test_a_free_port_is_fine_and_is_not_kept():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert preflight(Port("127.0.0.1", port)) is None
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_a_port_taken_on_all_addresses_is_taken_on_each():
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))
        listening.listen()
        assert "already in use" in (preflight(Port("127.0.0.1", listening.getsockname()[1])) or "")


def test_connections_of_an_earlier_run_that_linger_are_not_in_the_way():
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listening.accept()
    accepted.close()  # this side closes first: TIME_WAIT is here
    assert client.recv(1) == b""
    client.close()
    assert preflight(Port("127.0.0.1", port)) is None


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        pytest.param(Port("127.0.0.1", 0), ("port 0 is not between 1 and 65535", "--http-port"), id="zero"),
        pytest.param(Port("127.0.0.1", 65536), ("65536 is not between", "--http-port"), id="too-large"),
        pytest.param(Port("nowhere", 8080), ("'nowhere' is not an IP address", "--bind"), id="name"),
        pytest.param(Port("127.0.0.1.5", 8080), ("is not an IP address", "--bind"), id="five-parts"),
        pytest.param(Port("192.0.2.1", 8080), ("not an address of this machine", "--bind"), id="not-ours"),
    ],
)
def test_what_cannot_be_is_told_with_the_flag_to_change(wanted, says):
    message = preflight(wanted)
    assert message and all(part in message for part in says)


def test_a_port_that_needs_rights_says_so(monkeypatch):
    class Refused(socket.socket):
        def bind(self, _) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports.socket, "socket", Refused)
    message = preflight(Port("127.0.0.1", 443, "--https-port"))
    assert message and "below 1024" in message and "--https-port" in message
