"""10,000 Ingress objects with five annotations each against the same without: the control plane's CPU and memory.

The annotations are of five families that most manifests use. Both gateways are started one after the other, in turn.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.processes import Gateway, cpu_seconds, rss_mib
from bench.row import Row, ratios

_N = "nginx.ingress.kubernetes.io/"
FIVE = {
    f"{_N}proxy-body-size": "8m",
    f"{_N}proxy-read-timeout": "120",
    f"{_N}enable-cors": "true",
    f"{_N}limit-rps": "20",
    f"{_N}allowlist-source-range": "10.0.0.0/8,192.168.0.0/16",
}
_INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web-{index}
  namespace: team-{team}
  annotations: {{{notes}}}
spec:
  ingressClassName: nginx
  rules:
    - host: web-{index}.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"""
_SERVICE = """apiVersion: v1
kind: Service
metadata: {{name: web, namespace: team-{team}}}
spec: {{ports: [{{port: 80}}]}}
"""


def measure(quick: bool) -> Iterator[Row]:
    """CPU until ready, memory, and both as ratios."""
    teams, rounds = (10, 1) if quick else (100, 3)
    plain, annotated = [], []
    for _ in range(rounds):
        plain.append(_start(teams, {}))
        annotated.append(_start(teams, FIVE))
    size = f"{teams * 100:,} Ingress"
    for place, unit, name in ((0, "s", "CPU until ready"), (1, "MiB", "control plane's memory"), (2, "MiB", "Envoy's")):
        without, with_five = ([figures[place] for figures in each] for each in (plain, annotated))
        yield Row(f"{size}, no annotation: {name}", unit, tuple(without))
        yield Row(f"{size}, five annotations each: {name}", unit, tuple(with_five))
        goal = None if name == "Envoy's" else 1.5
        yield Row(f"{size}, five annotations each: {name}, ratio", "x", ratios(with_five, without), goal=goal)


def _start(teams: int, notes: Mapping[str, str]) -> tuple[float, float, float]:
    text = ", ".join(f'{key}: "{value}"' for key, value in notes.items())
    with tempfile.TemporaryDirectory() as folder:
        for team in range(teams):
            ingresses = (_INGRESS.format(index=team * 100 + at, team=team, notes=text) for at in range(100))
            (Path(folder) / f"team-{team}.yaml").write_text("---\n".join([_SERVICE.format(team=team), *ingresses]))
        with Gateway(["-f", folder, "--concurrency", "1"]) as gateway:
            gateway.event("ready")
            pid = gateway.control_plane
            return cpu_seconds(pid), rss_mib(pid), rss_mib(gateway.envoy)
