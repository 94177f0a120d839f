"""CPU of Envoy per h2c unary gRPC call: the configuration that Isthmus makes against a bare router-only Envoy.

Both stand in front of the same backend, on one processor of their own, and are loaded in turn; the ratio is taken
pair by pair. Two load shapes: one connection with 100 calls under way, and 16 with 32.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.load import GREETING, Shape, run
from bench.processes import GREETER, PROXY_CPU, REST_CPU, Gateway, answering_envoy, bare_envoy, cpu_seconds
from bench.row import Row, ratios

_SHAPES = (("c1 m100", Shape(1, 100)), ("c16 m32", Shape(16, 32)))


def measure(quick: bool) -> Iterator[Row]:
    """Ratio of CPU per call, for each shape; over several starts, because a process keeps the luck of its layout."""
    starts, rounds, calls = (3, 2, 5_000) if quick else (8, 4, 10_000)
    ours: dict[str, list[float]] = {name: [] for name, _ in _SHAPES}
    theirs: dict[str, list[float]] = {name: [] for name, _ in _SHAPES}
    with tempfile.TemporaryDirectory() as folder, pinned_to(REST_CPU), answering_envoy() as upstream:
        (Path(folder) / "all.yaml").write_text(GREETER)
        endpoint = f"default/greeter:50051=127.0.0.1:{upstream}"
        for _ in range(starts):
            with (
                bare_envoy(upstream) as (bare, port),
                Gateway(["-f", folder, "--endpoint", endpoint, "--concurrency", "1"], cpu=PROXY_CPU) as gateway,
            ):
                gateway.event("ready")
                for name, shape in _SHAPES:
                    for index in range(rounds + 1):
                        pair = _cost(gateway.envoy, gateway.http_port, shape, calls), _cost(bare, port, shape, calls)
                        if index:  # the first pair warms both up
                            ours[name].append(pair[0])
                            theirs[name].append(pair[1])
    for name, _ in _SHAPES:
        yield Row(f"h2c unary, {name}: bare Envoy", "us/call", tuple(theirs[name]))
        yield Row(f"h2c unary, {name}: Isthmus' configuration", "us/call", tuple(ours[name]))
        yield Row(f"h2c unary, {name}: ratio", "x", ratios(ours[name], theirs[name]), goal=1.0)


@contextlib.contextmanager
def pinned_to(cpu: str) -> Iterator[None]:
    """This process, which makes the load, on one processor, where the machine can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(cpu)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cost(pid: int, port: int, shape: Shape, calls: int) -> float:
    before = cpu_seconds(pid)
    run(port, GREETING, shape, calls)
    return (cpu_seconds(pid) - before) / calls * 1e6
