"""CPU of Envoy per request to a host of 1,000 paths against a host of one: the routes are a tree, not a list."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.load import Request, Shape, rest, run
from bench.processes import PROXY_CPU, REST_CPU, Gateway, answering_envoy, cpu_seconds
from bench.proxy_cost import pinned_to
from bench.row import Row, ratios

_PATH = "{{path: /team-{0}/service-{0}, pathType: Prefix, backend: {{service: {{name: echo, port: {{number: 80}}}}}}}}"
_HOST = "    - host: {name}.test\n      http: {{paths: [{paths}]}}\n"
_INGRESS = """apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  rules:
"""
_MANY = 1_000


def measure(quick: bool) -> Iterator[Row]:
    """Microseconds for one path, and the ratio for the last of many."""
    rounds, calls = (4, 3_000) if quick else (16, 5_000)
    one, many = [], []
    paths = [_PATH.format(index) for index in range(_MANY)]
    hosts = _HOST.format(name="one", paths=paths[-1]) + _HOST.format(name="many", paths=", ".join(paths))
    with tempfile.TemporaryDirectory() as folder, pinned_to(REST_CPU), answering_envoy() as upstream:
        (Path(folder) / "all.yaml").write_text(_INGRESS + hosts)
        endpoint = f"default/echo=127.0.0.1:{upstream}"
        with Gateway(["-f", folder, "--endpoint", endpoint, "--concurrency", "1"], cpu=PROXY_CPU) as gateway:
            gateway.event("ready")
            for index in range(rounds + 1):
                pair = _cost(gateway, "one", calls), _cost(gateway, "many", calls)
                if index:  # the first pair warms up
                    one.append(pair[0])
                    many.append(pair[1])
    yield Row("HTTP/1.1, a host of one path", "us/request", tuple(one))
    yield Row(f"HTTP/1.1, a host of {_MANY:,} paths: ratio", "x", ratios(many, one), goal=1.1)


def _cost(gateway: Gateway, name: str, calls: int) -> float:
    asked = rest(f"/team-{_MANY - 1}/service-{_MANY - 1}/x", b"{}")
    before = cpu_seconds(gateway.envoy)
    run(gateway.http_port, Request(asked.path, b"{}", asked.headers, f"{name}.test"), Shape(16, 1, True), calls)
    return (cpu_seconds(gateway.envoy) - before) / calls * 1e6
