"""CPU of Envoy per h2c unary gRPC call: the configuration that Isthmus makes against a bare router-only Envoy.

Both stand in front of the same backend, on one processor of their own, and are loaded in turn; the ratio is taken
pair by pair. Two load shapes: one connection with 100 calls under way, and 16 with 32.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.load import run
from bench.processes import REST_CPU, Gateway, answering_envoy, bare_envoy, cpu_seconds
from bench.row import Row, ratios

_SHAPES = (("c1 m100", 1, 100), ("c16 m32", 16, 32))
_MANIFESTS = """
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


def measure(quick: bool) -> Iterator[Row]:
    """Ratio of CPU per call, for each shape."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(REST_CPU)})
    rounds, calls = (5, 5_000) if quick else (15, 20_000)
    with tempfile.TemporaryDirectory() as folder, answering_envoy() as upstream, bare_envoy(upstream) as (bare, port):
        (Path(folder) / "all.yaml").write_text(_MANIFESTS)
        endpoint = f"default/greeter:50051=127.0.0.1:{upstream}"
        arguments = ["-f", folder, "--endpoint", endpoint, "--concurrency", "1"]
        with Gateway(arguments, cpu="0") as gateway:
            gateway.event("ready")
            for name, connections, parallel in _SHAPES:
                ours: list[float] = []
                theirs: list[float] = []
                for index in range(rounds + 1):
                    pair = [
                        _cost(gateway.envoy, gateway.http_port, connections, parallel, calls),
                        _cost(bare, port, connections, parallel, calls),
                    ]
                    if index:  # the first pair warms both up
                        ours.append(pair[0])
                        theirs.append(pair[1])
                yield Row(f"h2c unary, {name}: bare Envoy", "us/call", tuple(theirs))
                yield Row(f"h2c unary, {name}: Isthmus' configuration", "us/call", tuple(ours))
                yield Row(f"h2c unary, {name}: ratio", "x", ratios(ours, theirs), goal=1.0)


def _cost(pid: int, port: int, connections: int, parallel: int, calls: int) -> float:
    before = cpu_seconds(pid)
    run(port, "bench.test", connections, parallel, calls)
    return (cpu_seconds(pid) - before) / calls * 1e6
