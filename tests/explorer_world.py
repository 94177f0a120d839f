"""A real gRPC server with every kind of method and field, and an explorer over it.

`open_world` serves both in the running loop. CountDown and Chat answer only when they may, so that a test can see that
messages arrive one by one. Run as a program, it serves an explorer to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import google.api
import grpc
import grpc.aio
import grpc_tools
from aiohttp import web
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection

from isthmus.edge.explorer import Upstream, make_app
from isthmus.edge.message_classes import classes_in
from isthmus.schema import descriptors
from isthmus.schema.model import Schema
from isthmus.schema.plan import make_schema

PROTO = Path(__file__).with_suffix(".proto")


def compile_world() -> Schema:
    """The schema of explorer_world.proto, comments and all."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        includes = [PROTO.parent, Path(grpc_tools.__path__[0]) / "_proto", Path(google.api.__path__[0]).parents[1]]
        subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{each}" for each in includes), "--include_imports",
             "--include_source_info", f"--descriptor_set_out={out}", PROTO.name],
            check=True,
        )  # fmt: skip
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    return make_schema([file.SerializeToString() for file in files], services=["world.v1.Greeter", "world.v1.Kinds"])


class WorldServer:
    """The gRPC server. `seen` holds the metadata of each call; `release` lets CountDown go one number further."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.pool = descriptors.load(schema.descriptor_set)
        self._classes = classes_in(self.pool, [file.name for file in descriptors.files_of(schema.descriptor_set).file])
        self.seen: list[dict[str, str | bytes]] = []
        self.cancelled = asyncio.Event()
        self.release = asyncio.Semaphore(0)
        self.port = 0
        self._server = grpc.aio.server()

    def new(self, name: str, **fields: object) -> Message:
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"world.v1.{name}"))(**fields)

    async def start(self, port: int = 0) -> None:
        for service in self.schema.services:
            found = self.pool.FindServiceByName(service)
            handlers = {method.name: self._handler(method) for method in found.methods}
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
        names = (*self.schema.services, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server, self.pool)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)

    def _handler(self, method) -> grpc.RpcMethodHandler:  # type: ignore[no-untyped-def]
        shape = ("stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary")
        make = getattr(grpc, f"{shape[0]}_{shape[1]}_rpc_method_handler")
        request = message_factory.GetMessageClass(method.input_type)
        behaviour = getattr(self, f"_{method.name}", self._SayHello)
        return make(behaviour, request.FromString, lambda message: message.SerializeToString())

    async def _SayHello(self, request, context):  # noqa: N802 - named as the method
        self.seen.append(dict(context.invocation_metadata()))
        await context.send_initial_metadata((("served-by", "world"), ("raw-bin", b"\x00\xff")))
        context.set_trailing_metadata((("cost", "1"),))
        return self.new("HelloReply", message="\n".join([f"Hello, {request.name}!"] * max(1, request.times)))

    async def _CountDown(self, request, context):  # noqa: N802
        try:
            for number in range(getattr(request, "from"), 0, -1):
                await self.release.acquire()
                yield self.new("Count", number=number)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _Gather(self, requests, context):  # noqa: N802
        names = []
        async for request in requests:
            names.append(request.name)
            if request.name == "wait":  # and read nothing more
                await asyncio.Event().wait()
        return self.new("HelloReply", message=f"Hello, {' and '.join(names)}!")

    async def _Chat(self, requests, context):  # noqa: N802
        async for request in requests:
            yield self.new("HelloReply", message=f"Hello, {request.name}!")

    async def _Refuse(self, request, context):  # noqa: N802
        find = self.pool.FindMessageTypeByName
        status = message_factory.GetMessageClass(find("google.rpc.Status"))(code=3, message="no such name")
        bad = message_factory.GetMessageClass(find("google.rpc.BadRequest"))()
        bad.field_violations.add(field="name", description="is never polite")
        status.details.add().Pack(bad)
        status.details.add(type_url="type.googleapis.com/of.nobody.Knows", value=b"\x01")
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{request.name!r} is no name")

    async def _Echo(self, request, context):  # noqa: N802
        return request


class WorldCatalog:
    """A catalog of one server that a test may change: set `upstreams` and then `version`."""

    def __init__(self, *upstreams: Upstream, public_url: str) -> None:
        self.upstreams = upstreams
        self.public_url = public_url
        self.version = "1"

    def services(self) -> tuple[Upstream, ...]:
        return self.upstreams


class World:
    """All of it. `url` is the explorer's, without a path."""

    def __init__(self, server: WorldServer, catalog: WorldCatalog, url: str) -> None:
        self.server = server
        self.catalog = catalog
        self.url = url


@contextlib.asynccontextmanager
async def open_world(grpc_port: int = 0, port: int = 0) -> AsyncIterator[World]:
    server = WorldServer(await asyncio.to_thread(compile_world))
    await server.start(grpc_port)
    upstream = Upstream(
        "world", f"127.0.0.1:{server.port}", (("x-route", "world"),), server.schema, "reflection v1alpha, 3 s old"
    )
    catalog = WorldCatalog(upstream, public_url=f"http://127.0.0.1:{server.port}")
    runner = web.AppRunner(make_app(catalog), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield World(server, catalog, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
        await server.stop()


async def _serve() -> None:
    async with open_world(50551, 50580) as world:
        for _ in range(100_000):
            world.server.release.release()
        print(f"{world.url}/_isthmus/", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
