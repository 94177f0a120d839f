"""The whole gateway under load while its parts are killed, and while its configuration changes."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, gone, http_echoes, save
from load import Load

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web}}
spec:
  ingressClassName: nginx
  rules:
    - host: web.test
      http:
        paths:
          - {{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}
          - {{path: {path}, pathType: Exact, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Gateway, Path]]:
    file = tmp_path / "web.yaml"
    file.write_text(MANIFESTS.format(path="/first"))
    with (
        http_echoes("web-1", "web-2") as addresses,
        Gateway([tmp_path], {"default/web": list(addresses.values())}) as gateway,
    ):
        yield gateway, file


def test_a_killed_control_plane_loses_no_request_and_comes_back(running: tuple[Gateway, Path]) -> None:
    gateway, file = running
    envoy = gateway.pid("envoy-started")
    with Load(gateway.http_port, "web.test") as load:
        for turn in range(3):
            os.kill(gateway.pid("control-plane-started"), signal.SIGKILL)
            gateway.wait("control-plane-ended")
            load.wait_for(50)
            gateway.wait("control-plane-started")
            gateway.wait("ready")
            save(file, MANIFESTS.format(path=f"/turn-{turn}"))
            assert gateway.wait("applied")["resources"] == 1
            load.wait_for(50)
    assert load.failed == []
    assert gateway.pid("envoy-started") == envoy


def test_a_restarted_control_plane_sends_nothing_that_envoy_has(running: tuple[Gateway, Path]) -> None:
    gateway, _ = running
    os.kill(gateway.pid("control-plane-started"), signal.SIGKILL)
    gateway.wait("control-plane-ended")
    gateway.wait("ready")
    assert gateway.events[-1]["event"] != "diagnostic"
    assert gateway.get("web.test").status == 200


def test_a_killed_envoy_is_repaired_within_a_second(running: tuple[Gateway, Path]) -> None:
    gateway, _ = running
    with Load(gateway.http_port, "web.test") as load:
        os.kill(gateway.pid("envoy-started"), signal.SIGKILL)
        gateway.wait("envoy-ended")
        gateway.wait("envoy-live")
        load.wait_for(100)
    times = [when for when, _ in load.failed]
    assert times, "requests under way must have failed"
    assert max(times) - min(times) < 1.0


def test_changes_under_load_lose_no_request(running: tuple[Gateway, Path]) -> None:
    gateway, file = running
    with Load(gateway.http_port, "web.test") as load:
        for turn in range(20):
            save(file, MANIFESTS.format(path=f"/turn-{turn}"))
            gateway.wait("applied")
            load.wait_for(10)
    assert load.failed == []


def test_stopping_finishes_what_is_under_way_and_leaves_nothing(running: tuple[Gateway, Path]) -> None:
    gateway, _ = running
    pids = [gateway.pid("envoy-started"), gateway.pid("control-plane-started")]
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(gateway.get("web.test", "/?delay_ms=1000").status))
    slow.start()
    with Load(gateway.http_port, "web.test", clients=1):
        pass  # the slow request has been sent by now
    assert gateway.stop(signal.SIGINT) == 0
    slow.join()
    assert answers == [200]
    assert all(gone(pid) for pid in pids)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", gateway.http_port))
