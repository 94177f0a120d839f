"""10,000 Ingress objects in 100 namespaces, 1,000 Services, 50,000 endpoints, from files.

Measures the control plane's CPU and memory until it is ready, and how long an edit of one Ingress, and of one
endpoint, takes until a request shows it, with the number of resources that went over the wire.
"""

from __future__ import annotations

import http.client
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.processes import Gateway, cpu_seconds, peak_rss_mib, rss_mib
from bench.row import Row

_INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web-{index}
  namespace: team-{team}
  labels: {{app.kubernetes.io/name: web, app.kubernetes.io/instance: web-{index}}}
  annotations:
    nginx.ingress.kubernetes.io/proxy-read-timeout: "{timeout}"
spec:
  ingressClassName: nginx
  rules:
    - host: web-{index}.example.com
      http:
        paths:
          - path: {path}
            pathType: Prefix
            backend:
              service:
                name: service-{service}
                port:
                  number: 80
"""
_SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: service-{service}
  namespace: team-{team}
spec:
  ports:
    - name: http
      port: 80
      targetPort: 8080
"""
_SLICE = """apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: service-{service}-a
  namespace: team-{team}
  labels:
    kubernetes.io/service-name: service-{service}
addressType: IPv4
ports:
  - name: http
    port: {port}
endpoints:
"""
_ENDPOINT = "  - addresses: [{ip}]\n    conditions: {{ready: true}}\n"


def measure(quick: bool) -> Iterator[Row]:
    """CPU, memory, and time to effect."""
    teams = 10 if quick else 100
    size = f"{teams * 100:,} Ingress, {teams * 500:,} endpoints"
    with tempfile.TemporaryDirectory() as folder, _backend() as one, _backend() as two:
        _write(Path(folder), teams, one)
        with Gateway(["-f", folder, "--concurrency", "1"]) as gateway:
            gateway.event("ready")
            pid = gateway.control_plane
            yield Row(f"{size}: CPU until ready", "s", (cpu_seconds(pid),), goal=12)
            yield Row(f"{size}: control plane's memory", "MiB", (rss_mib(pid),), goal=300)
            yield Row(f"{size}: control plane's peak memory", "MiB", (peak_rss_mib(pid),))
            yield Row(f"{size}: Envoy's memory", "MiB", (rss_mib(gateway.envoy),))
            rounds = 10 if quick else 50
            yield from _edits(gateway, Path(folder), rounds)
            yield from _flaps(gateway, Path(folder), rounds, (one, two))


def _write(folder: Path, teams: int, port: int) -> None:
    for team in range(teams):
        base = folder / f"team-{team}"
        base.mkdir()
        for service in range(10):
            (base / f"service-{service}.yaml").write_text(_service(team, service, port))
        for index in range(100):
            (base / f"web-{index}.yaml").write_text(_ingress(team, index, "/", 120))


def _ingress(team: int, index: int, path: str, timeout: int) -> str:
    number = team * 100 + index
    return _INGRESS.format(index=number, team=team, path=path, timeout=timeout, service=index % 10)


def _service(team: int, service: int, port: int) -> str:
    ips = ["127.0.0.1", *(f"10.{team}.{service}.{last}" for last in range(2, 51))]
    if service == 0 and team == 0:
        ips = ips[:1]  # the one that is asked has only the real backend
    text = _SLICE.format(service=service, team=team, port=port)
    endpoints = "".join(_ENDPOINT.format(ip=ip) for ip in ips)
    return _SERVICE.format(service=service, team=team) + "---\n" + text + endpoints


def _edits(gateway: Gateway, folder: Path, rounds: int) -> Iterator[Row]:
    """The path of one Ingress moves; the old one answers 404 as soon as the change is live."""
    target = folder / "team-0" / "web-0.yaml"
    took, resources = [], []
    for number in range(rounds):
        path = f"/edit-{number}"
        started = time.perf_counter()
        _save(target, _ingress(0, 0, path, 120))
        _until(gateway.http_port, path, lambda status, _: status == 200)
        took.append((time.perf_counter() - started) * 1000)
        resources.append(float(gateway.event("applied")["resources"]))
    _save(target, _ingress(0, 0, "/", 120))
    gateway.event("applied")
    yield Row("one Ingress edited: until a request shows it", "ms", tuple(took), goal=100)
    yield Row("one Ingress edited: resources on the wire", "", tuple(resources), goal=1)


def _flaps(gateway: Gateway, folder: Path, rounds: int, ports: tuple[int, int]) -> Iterator[Row]:
    """The endpoint of one Service moves between two real backends."""
    target = folder / "team-0" / "service-0.yaml"
    took, resources = [], []
    for number in range(rounds):
        port = ports[(number + 1) % 2]
        started = time.perf_counter()
        _save(target, _service(0, 0, port))
        _until(gateway.http_port, "/", lambda _, body: body == str(port))  # noqa: B023 - called within the turn
        took.append((time.perf_counter() - started) * 1000)
        resources.append(float(gateway.event("applied")["resources"]))
    yield Row("one endpoint flapped: until a request shows it", "ms", tuple(took), goal=100)
    yield Row("one endpoint flapped: resources on the wire", "", tuple(resources), goal=1)


def _save(path: Path, text: str) -> None:
    """As editors do: write beside, rename over."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    os.replace(beside, path)


def _until(port: int, path: str, wanted) -> None:  # type: ignore[no-untyped-def]
    for attempt in itertools.count():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path, headers={"Host": "web-0.example.com"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if wanted(answer.status, body):
            return
        if attempt > 20_000:
            raise RuntimeError(f"{path} still answers {answer.status} {body!r}")


class _backend:  # noqa: N801 - used as a context manager
    """An HTTP server that answers with its own port."""

    def __enter__(self) -> int:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet, or the kernel waits for an acknowledgement

            def do_GET(self) -> None:
                body = str(self.server.server_address[1]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return int(self._server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
