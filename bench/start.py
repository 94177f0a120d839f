"""From the start of the command to the first answered request: `isthmus run` against a bare Envoy."""

from __future__ import annotations

import contextlib
import http.client
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.processes import GREETER, Gateway, answering_envoy, bare_envoy
from bench.row import Row, ratios


def measure(quick: bool) -> Iterator[Row]:
    """Milliseconds to the first answer of the same backend, and their ratio."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder, answering_envoy() as upstream:
        (Path(folder) / "all.yaml").write_text(GREETER)
        arguments = ["-f", folder, "--endpoint", f"default/greeter=127.0.0.1:{upstream}", "--concurrency", "1"]
        for _ in range(4 if quick else 12):
            started = time.perf_counter()
            with bare_envoy(upstream, cpu=None) as (_pid, port):
                _first_answer(port)
                theirs.append((time.perf_counter() - started) * 1000)
            started = time.perf_counter()
            with Gateway(arguments) as gateway:
                _first_answer(gateway.http_port)
                ours.append((time.perf_counter() - started) * 1000)
    ours, theirs = ours[1:], theirs[1:]
    yield Row("start to first answer: bare Envoy", "ms", tuple(theirs))
    yield Row("start to first answer: isthmus run", "ms", tuple(ours))
    yield Row("start to first answer: ratio", "x", ratios(ours, theirs), goal=5)


def _first_answer(port: int) -> None:
    """Ask until an answer comes; a refused connection costs microseconds."""
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/", headers={"Host": "bench.test"})
            answer = connection.getresponse()
            connection.close()
            if answer.status == 200:
                return
