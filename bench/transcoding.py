"""CPU of REST, gRPC-Web and Connect calls against plain gRPC through the same gateway, and against facades by hand.

All proxies share one processor and are loaded in turn; load and backend have the other. A ratio is taken within one
round. Every path is checked by a real client first, and a run whose answers have another size is void.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import grpc as grpc_client
from google.protobuf import json_format

from bench import load
from bench.echo_upstream import echo_upstream
from bench.facades import FACADES
from bench.load import Request, Shape
from bench.orders import PLACE, REST, WATCH, WATCH_COUNT, Load, descriptor_set, loads, order_class, watch
from bench.processes import PROXY_CPU, REST_CPU, Gateway, cpu_seconds, free_port, pinned, wait_for_port
from bench.proxy_cost import pinned_to
from bench.row import Row, ratios

_H2, _H2_SINGLE, _H1 = Shape(4, 8), Shape(32, 1), Shape(32, 1, http1=True)
_ADAPTER = "isthmus.app.adapter"
_CALLS = {"tiny": 6_000, "10 KB": 600, "100 KB": 60}
# by size, what, and against what
_GOALS = {
    ("tiny", "REST h1", "gRPC c32 m1"): 1.25,
    ("tiny", "REST h2", "gRPC c4 m8"): 1.25,
    ("10 KB", "REST h1", "fastapi"): 0.15,
}
_PAIRS = (
    ("REST h1", "gRPC c32 m1"),
    ("REST h2", "gRPC c4 m8"),
    ("gRPC-Web h2", "gRPC c4 m8"),
    ("Connect h2", "gRPC c4 m8"),
    *(("REST h1", name) for name in FACADES),
)


class _Subject(NamedTuple):
    """One way to make a call: the process that pays, where it listens, what is sent, and how slow it is."""

    pids: tuple[int, ...]
    port: int
    request: Request
    shape: Shape
    share: float = 1.0  # of the calls: facades are slow, and a mean needs no more


def measure(quick: bool) -> Iterator[Row]:
    """CPU per call of every subject and their ratios, over several starts."""
    starts, rounds, scale = (2, 2, 0.3) if quick else (5, 3, 1.0)
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, pinned_to(REST_CPU), echo_upstream() as upstream:
        protoset = Path(folder) / "orders.binpb"
        protoset.write_bytes(descriptor_set())
        for _ in range(starts):
            with contextlib.ExitStack() as stack:
                gateway = stack.enter_context(_gateway(upstream, protoset))
                facades = {name: stack.enter_context(_facade(name, upstream)) for name in FACADES}
                for each in loads():
                    subjects = _subjects(gateway, facades, each)
                    _collect(found, each.name, subjects, rounds, int(_CALLS[each.name] * scale))
                _collect(found, "stream", _streaming(gateway), rounds, int(100 * scale))
    yield from _rows(found)


def _rows(found: dict[tuple[str, str], list[float]]) -> Iterator[Row]:
    for (size, name), samples in found.items():
        if size != "stream":
            yield Row(f"{size}, {name}", "us/call", tuple(samples))
    for size in _CALLS:
        for name, against in _PAIRS:
            compared = ratios(found[size, name], found[size, against])
            yield Row(f"{size}: {name} / {against}", "x", compared, goal=_GOALS.get((size, name, against)))
    for (size, name), samples in found.items():
        if size == "stream":
            per_message = tuple(each / WATCH_COUNT for each in samples)
            yield Row(f"server streaming, {name}", "us/message", per_message)


def _collect(
    found: dict[tuple[str, str], list[float]], size: str, subjects: dict[str, _Subject], rounds: int, calls: int
) -> None:
    """Every subject once a round; the first round warms up."""
    sizes = {name: load.run(each.port, each.request, each.shape, 1) for name, each in subjects.items()}
    for index in range(rounds + 1):
        for name, each in subjects.items():
            cost = _cost(each, max(4, int(calls * each.share)), sizes[name])
            if index:
                found.setdefault((size, name), []).append(cost)


def _cost(subject: _Subject, calls: int, size: float) -> float:
    before = sum(map(cpu_seconds, subject.pids))
    got = load.run(subject.port, subject.request, subject.shape, calls)
    if got != size:
        raise RuntimeError(f"{subject.request.path}: answers of {got:g} bytes, expected {size:g}")
    return (sum(map(cpu_seconds, subject.pids)) - before) / calls * 1e6


@contextlib.contextmanager
def _gateway(upstream: int, protoset: Path) -> Iterator[Gateway]:
    arguments = [f"127.0.0.1:{upstream}", "--protoset", str(protoset), "--explorer-port", "0", "--concurrency", "1"]
    with Gateway(arguments, cpu=PROXY_CPU) as gateway:
        gateway.event("ready")
        yield gateway


@contextlib.contextmanager
def _facade(name: str, upstream: int) -> Iterator[tuple[int, int]]:
    """(pid, port) of a hand-written facade."""
    port = free_port()
    argv = [sys.executable, "-m", "bench.facades", name, str(port), str(upstream)]
    process = subprocess.Popen(pinned(PROXY_CPU, argv))
    try:
        wait_for_port(port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def _subjects(gateway: Gateway, facades: dict[str, tuple[int, int]], size: Load) -> dict[str, _Subject]:
    """All that are compared at one size, checked."""
    port, pids = gateway.http_port, (gateway.envoy,)
    plain, json_call = load.grpc(PLACE, size.message), load.rest(REST, size.json)
    _check_grpc(port, size)
    _check_rest(port, size)
    for _, at in facades.values():
        _check_rest(at, size)
    return {
        "gRPC c4 m8": _Subject(pids, port, plain, _H2),
        "REST h2": _Subject(pids, port, json_call, _H2),
        "gRPC c32 m1": _Subject(pids, port, plain, _H2_SINGLE),
        "REST h1": _Subject(pids, port, json_call, _H1),
        "gRPC-Web h2": _Subject(pids, port, load.grpc_web(PLACE, size.message), _H2),
        "Connect h2": _Subject(pids, port, load.connect(PLACE, size.message), _H2),
        **{name: _Subject((pid,), at, json_call, _H1, 0.25) for name, (pid, at) in facades.items()},
    }


def _streaming(gateway: Gateway) -> dict[str, _Subject]:
    """Server streaming: plain gRPC, and JSON by the adapter."""
    port, envoy, request = gateway.http_port, gateway.envoy, watch()
    shape = Shape(4, 1)
    plain = load.grpc("/bench.v1.Orders/Watch", request.message)
    subjects = {"gRPC: Envoy": _Subject((envoy,), port, plain, shape)}
    with contextlib.suppress(RuntimeError):  # where there is no adapter, there is nothing to measure
        adapter = gateway.pid_of(_ADAPTER)
        if _post(port, WATCH, request.json).count(b"watch-12") == WATCH_COUNT:
            subjects["JSON: Envoy"] = _Subject((envoy,), port, load.rest(WATCH, request.json), shape)
            subjects["JSON: adapter"] = _Subject((adapter,), port, load.rest(WATCH, request.json), shape)
    return subjects


def _check_grpc(port: int, size: Load) -> None:
    with grpc_client.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = channel.unary_unary(PLACE)(size.message, timeout=30)
    if answer != size.message:
        raise RuntimeError(f"gRPC, {size.name}: not the message that was sent came back")


def _check_rest(port: int, size: Load) -> None:
    order = order_class()
    if json_format.ParseDict(json.loads(_post(port, REST, size.json)), order()) != order.FromString(size.message):
        raise RuntimeError(f"REST on port {port}, {size.name}: not the message that was sent came back")


def _post(port: int, path: str, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", path, body, {"content-type": "application/json"})
        return connection.getresponse().read()
