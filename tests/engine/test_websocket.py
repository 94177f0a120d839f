"""WebSocket without any annotation, with ordinary HTTP on the same path, idle for as long as the timeouts say."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, websocket_echoes
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {ports: [{name: http, port: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: chat}
spec:
  ingressClassName: nginx
  rules:
    - host: chat.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: chat, port: {name: http}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: brief
  annotations:
    nginx.ingress.kubernetes.io/proxy-read-timeout: "1"
    nginx.ingress.kubernetes.io/proxy-send-timeout: "2"
spec:
  ingressClassName: nginx
  rules:
    - host: brief.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: chat, port: {name: http}}}}]}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file: Path = tmp_path_factory.mktemp("websocket") / "all.yaml"
    file.write_text(MANIFESTS)
    with websocket_echoes("chat") as addresses, Gateway([file], {"default/chat": list(addresses.values())}) as running:
        yield running


def open_socket(gateway: Gateway, host: str) -> ClientConnection:
    sock = socket.create_connection(("127.0.0.1", gateway.http_port))
    return connect(f"ws://{host}/room", sock=sock, ping_interval=None)


def test_text_and_binary_come_back(gateway: Gateway) -> None:
    with open_socket(gateway, "chat.test") as websocket:
        for message in ("hello", b"\x00\xff" * 100_000):
            websocket.send(message)
            assert websocket.recv(timeout=10) == message


def test_http_on_the_same_path_goes_on(gateway: Gateway) -> None:
    assert gateway.get("chat.test", "/room").status == 200


def test_an_idle_socket_outlives_a_short_pause_and_traffic_keeps_it(gateway: Gateway) -> None:
    with open_socket(gateway, "brief.test") as websocket:
        started = time.monotonic()
        while time.monotonic() - started < 4:  # twice the idle limit, but never idle for it
            websocket.send("tick")
            assert websocket.recv(timeout=10) == "tick"
            with pytest.raises(TimeoutError):
                websocket.recv(timeout=1)


def test_an_idle_socket_is_cut_at_the_larger_timeout(gateway: Gateway) -> None:
    with open_socket(gateway, "brief.test") as websocket:
        started = time.monotonic()
        with pytest.raises(ConnectionClosed):
            websocket.recv(timeout=20)
        assert 1.9 < time.monotonic() - started < 15
