"""A server comes back with another schema: from its first answer to a gRPC call until REST reaches the new method.

Meanwhile a bidirectional stream and REST calls of another server go on through the same gateway. A dropped stream,
or a failed call of the other server, voids the run.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
import time
from collections.abc import Iterator

import grpc

from bench.processes import Gateway, free_port
from bench.row import Row
from bench.schema_servers import chat, generated_server, get, path, until_served

_PAUSE_SECONDS = 0.005  # between two calls of the other server: load, but not all of this machine


def measure(quick: bool) -> Iterator[Row]:
    """Milliseconds, for a small schema and for larger ones."""
    for methods, rounds, goal in ((25, 5 if quick else 15, 1_000), (1_000, 3 if quick else 10, None)):
        took = tuple(_rounds(methods, rounds))
        yield Row(f"schema of {methods:,} methods changed: until REST serves it", "ms", took, goal=goal)


def _rounds(methods: int, rounds: int) -> Iterator[float]:
    """Each restart adds a method, which is the one that is asked for."""
    port, other = free_port(), free_port()
    targets = [f"127.0.0.1:{port}", f"127.0.0.1:{other}"]
    with generated_server(other, 1, "other"), contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        first.enter_context(generated_server(port, methods))
        gateway = stack.enter_context(Gateway([*targets, "--explorer-port", "0", "--concurrency", "1"]))
        gateway.event("ready")
        until_served(gateway.http_port, f"/generated/m{methods - 1}/x")
        with _Neighbour(gateway.http_port) as neighbour:
            first.close()
            for index in range(methods, methods + rounds):
                with generated_server(port, index + 1):
                    _until_answers(port, path(index, "generated"))
                    started = time.perf_counter()
                    until_served(gateway.http_port, f"/generated/m{index}/x")
                    yield (time.perf_counter() - started) * 1000
                    neighbour.check()


def _until_answers(port: int, method: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        channel.unary_unary(method)(b"", timeout=10, wait_for_ready=True)


class _Neighbour:
    """Callers of the other server: one stream, and REST calls one after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._say: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._heard = self._channel.stream_stream(chat("other"))(iter(self._say.get, None))
        self._stopped = threading.Event()
        self._wrong: list[str] = []
        self._caller = threading.Thread(target=self._call)

    def __enter__(self) -> _Neighbour:
        self.check()
        self._caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._caller.join()
        self._say.put(None)
        self._channel.close()

    def check(self) -> None:
        """The stream still answers, as the same call, and no REST call failed."""
        self._say.put(b"")
        if next(self._heard, None) is None or self._wrong:
            raise RuntimeError(f"the other server's callers noticed: {self._wrong or 'the stream ended'}")

    def _call(self) -> None:
        while not self._stopped.wait(_PAUSE_SECONDS) and not self._wrong:
            try:
                status = get(self._port, "/other/m0/x")
            except (OSError, http.client.HTTPException) as error:
                self._wrong.append(repr(error))
            else:
                self._wrong.extend([] if status == 200 else [str(status)])
