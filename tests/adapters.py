"""A running adapter for tests: a real gRPC server where Envoy's egress would be, a real HTTP client on its socket."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from isthmus.edge.adapter.server import Adapter, Orders
from isthmus.edge.upstreams import library
from isthmus.edge.upstreams.grpc_server import GrpcServer
from isthmus.edge.upstreams.proto_source import compile_example
from isthmus.schema.model import Schema, encode
from isthmus.schema.plan import make_schema


def library_schema() -> Schema:
    """The schema of the library server, with the services that make trouble on demand."""
    return make_schema(file.SerializeToString() for file in compile_example("trials.proto"))


class Running(NamedTuple):
    """`http` is a session to the adapter that says Envoy's headers; `server` the gRPC server behind."""

    adapter: Adapter
    orders: Orders
    http: aiohttp.ClientSession
    server: GrpcServer
    schema: Schema

    async def json(self, verb: str, path: str, **how: Any) -> tuple[int, Any]:
        """Status and parsed body of an answer."""
        async with self.http.request(verb, f"http://x{path}", **how) as response:
            return response.status, await response.json(content_type=None)


def orders_in(folder: Path, *schemas: Schema) -> Orders:
    """Sockets in a folder, and the schemas written there."""
    (folder / "schemas").mkdir(exist_ok=True)
    for schema in schemas:
        (folder / "schemas" / f"{schema.digest}.msgpack").write_bytes(encode(schema))
    names = ("adapter.sock", "egress.sock", "adapter-grpc.sock", "schemas")
    return Orders(*(str(folder / name) for name in names))


def session(orders: Orders, schema: Schema) -> aiohttp.ClientSession:
    """Speaks to an adapter as Envoy does."""
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(orders.listen),
        headers={"x-isthmus-schema": schema.digest, "x-isthmus-cluster": "library"},
        auto_decompress=False,
    )


@contextlib.asynccontextmanager
async def running(
    start: Callable[..., GrpcServer] = library.start, schema: Schema | None = None
) -> AsyncIterator[Running]:
    """Everything together; another server than the library is started by `start` and has `schema`."""
    schema = schema or library_schema()
    with tempfile.TemporaryDirectory(prefix="isth-") as name:
        orders = orders_in(Path(name), schema)
        server = start("unix", orders.egress)  # gRPC's own spelling of an address: unix:PATH
        adapter = Adapter(orders)
        await adapter.start()
        try:
            async with session(orders, schema) as http:
                yield Running(adapter, orders, http, server, schema)
        finally:
            await adapter.stop()
            server.stop(0)
