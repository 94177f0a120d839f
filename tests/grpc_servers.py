"""Real gRPC servers for tests, as context managers: the echo of rust-grpc-proxy's tests, and the library."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from isthmus.edge.upstreams import echo, library
from isthmus.edge.upstreams.grpc_server import GrpcServer


@contextlib.contextmanager
def echo_server(**how: Any) -> Iterator[GrpcServer]:
    """`how` is what echo.start takes: port, replica, tls, reflection. `.address` is HOST:PORT."""
    with _stopped(echo.start(**how)) as server:
        yield server


@contextlib.contextmanager
def library_server(**how: Any) -> Iterator[GrpcServer]:
    """`how` is what library.start takes: port, replica, tls, reflection, schema (v1 or v2)."""
    with _stopped(library.start(**how)) as server:
        yield server


@contextlib.contextmanager
def _stopped(server: GrpcServer) -> Iterator[GrpcServer]:
    try:
        yield server
    finally:
        server.stop(0)
