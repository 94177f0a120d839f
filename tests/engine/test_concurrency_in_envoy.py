"""How many requests of a client run at the same time: a real Envoy asks a real counter."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import grpc.aio
import pytest
import pytest_asyncio
from aiohttp import web
from gateways import Gateway, http_echoes
from static_envoy import HOST, ORIGIN, local, serving

from isthmus.edge.concurrency import Concurrency
from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Match, Prefix
from isthmus.ir.policy import ConcurrencyLimit, Policy
from isthmus.ir.template import Of, Variable
from isthmus.xds import api, names

CLIENT = (Variable(Of.CLIENT),)


class World:
    """Envoy, a counter, and a backend that answers `/…/wait` when it is told to."""

    def __init__(self) -> None:
        self.counter = Concurrency()
        self.arrived: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.arrived.put_nowait(request.path)
        if request.path.endswith("/wait"):
            await self.go.wait()
        return web.Response(text="ok")

    async def get(self, path: str) -> int:
        async with aiohttp.ClientSession() as session:
            answer = await session.get(f"http://127.0.0.1:{self.port}{path}", headers={"host": HOST})
            await answer.read()
            return answer.status


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    app = web.Application()
    app.router.add_get("/{_:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    backend = local(f"127.0.0.1:{runner.addresses[0][1]}")
    helper = grpc.aio.server()
    helper.add_generic_rpc_handlers((made.counter.handler(),))
    helper_port = helper.add_insecure_port("127.0.0.1:0")
    await helper.start()
    limits = {
        "/two": ConcurrencyLimit("shop/web", 2, CLIENT),
        "/same": ConcurrencyLimit("shop/web", 2, CLIENT, status=429),
        "/other": ConcurrencyLimit("shop/other", 1, CLIENT),
        "/exempt": ConcurrencyLimit("shop/exempt", 1, CLIENT, ("0.0.0.0/0", "::/0")),
    }
    routes = [
        Route(Match(Prefix(path)), Forward(backend), ORIGIN, Policy(concurrency=limit))
        for path, limit in limits.items()
    ]
    try:
        envoy = serving(routes, others=[_helper(helper_port)])
        made.port = await asyncio.to_thread(envoy.__enter__)
        yield made
    finally:
        made.go.set()
        await asyncio.to_thread(envoy.__exit__, None, None, None)
        await helper.stop(0)
        await runner.cleanup()


def _helper(port: int) -> api.Cluster:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    cluster = api.Cluster(
        name=names.AUTHORIZATION,
        type=api.Cluster.STATIC,
        load_assignment={"cluster_name": names.AUTHORIZATION, "endpoints": endpoints},
    )
    options = api.HttpProtocolOptions(explicit_http_config={"http2_protocol_options": {}})
    cluster.typed_extension_protocol_options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].CopyFrom(
        api.pack(options)
    )
    return cluster


async def test_as_many_as_are_allowed_and_not_one_more(world: World) -> None:
    waiting = [asyncio.create_task(world.get("/two/wait")) for _ in range(2)]
    for _ in waiting:
        await world.arrived.get()
    assert [await world.get("/two/x"), await world.get("/same/x"), await world.get("/two/x")] == [503, 429, 503]
    assert [await world.get("/other/x"), await world.get("/exempt/x")] == [200, 200]  # other places count apart
    world.go.set()
    assert await asyncio.gather(*waiting) == [200, 200]
    async with asyncio.timeout(10):
        while len(world.counter):  # Envoy gives back after it has answered
            await world.get("/exempt/x")
    assert await world.get("/two/x") == 200


async def test_what_is_broken_off_is_given_back(world: World) -> None:
    waiting = [asyncio.create_task(world.get("/two/wait")) for _ in range(2)]
    for _ in waiting:
        await world.arrived.get()
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(10):
        while await world.get("/two/x") != 200:
            pass


@pytest.mark.parametrize("path", ["/two/x", "/other/x"])
async def test_one_after_the_other_is_never_too_many(world: World, path: str) -> None:
    statuses = {await world.get(path) for _ in range(10)}
    assert statuses <= {200, 503}
    assert 200 in statuses


LIMITED = f"""apiVersion: v1
kind: Service
metadata: {{name: echo}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web, annotations: {{nginx.ingress.kubernetes.io/limit-connections: "1"}}}}
spec:
  ingressClassName: nginx
  rules:
  - host: {HOST}
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: echo, port: {{number: 80}}}}}}}}]}}
"""


def test_requests_of_an_envoy_that_ended_run_no_more(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(LIMITED)
    with http_echoes("echo") as echoes, Gateway([file], {"default/echo:80": [echoes["echo"]]}) as gateway:
        with socket.create_connection(("127.0.0.1", gateway.http_port)) as slow:
            slow.sendall(f"GET /?chunks=2&interval_ms=600000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert slow.recv(12) == b"HTTP/1.1 200"
            assert gateway.get(HOST).status == 503
            os.kill(gateway.pid("envoy-started"), signal.SIGKILL)
            gateway.wait("envoy-ended")
            gateway.wait("envoy-live")
        assert gateway.get(HOST).status == 200
