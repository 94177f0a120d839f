"""Calls of every kind end as the server ended them, whenever that was, and nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from isthmus.edge.grpc_client.channels import Target, dialled
from isthmus.edge.grpc_client.invoke import Call, Ended, Listener, invoke


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves /a.B/C by a function of the requests and the context; its address."""
    servers: list[grpc.Server] = []

    def start(behaviour: Any) -> str:
        server = grpc.server(ThreadPoolExecutor(4))
        handlers = {"C": grpc.stream_stream_rpc_method_handler(behaviour)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(0).wait()


async def call(
    address: str, requests: Iterator[bytes], got: Callable[[bytes], None] = lambda _: None, seconds: float | None = None
) -> Ended:
    async with dialled(Target(address)) as server:
        return await invoke(server, Call("/a.B/C", (("x-a", "1"),), seconds), requests, Listener(lambda _: None, got))


async def test_messages_metadata_and_trailers(serve):
    def upper(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        context.set_trailing_metadata((("t", dict(context.invocation_metadata())["x-a"]),))
        yield from (request.upper() for request in requests)

    got: list[bytes] = []
    ended = await call(serve(upper), iter([b"a", b"b"]), got.append)
    assert got == [b"A", b"B"]
    assert (ended.code, ended.trailers) == (0, (("t", "1"),))


async def test_requests_and_answers_take_turns(serve):
    """The second request exists only once the first has been answered."""
    answered = threading.Event()

    def turns() -> Iterator[bytes]:
        yield b"one"
        assert answered.wait(10)
        yield b"two"

    ended = await call(serve(lambda requests, _: requests), turns(), lambda _: answered.set())
    assert ended.code == 0


@pytest.mark.parametrize("requests", [0, 1, 50])
async def test_a_refusal_before_anything_was_read_is_not_lost(serve, requests):
    def refuse(_: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

    address = serve(refuse)
    for _ in range(20):
        ended = await call(address, iter([b"x"] * requests))
        assert (ended.name, ended.message) == ("UNAUTHENTICATED", "no token")


async def test_the_server_may_end_while_the_client_has_nothing_to_say_yet(serve):
    never = threading.Event()

    def silent() -> Iterator[bytes]:
        yield b"x"
        never.wait(60)

    def fail(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        next(requests)
        context.abort(grpc.StatusCode.INTERNAL, "enough")

    try:
        assert (await call(serve(fail), silent())).message == "enough"
    finally:
        never.set()


async def test_the_deadline(serve):
    def slow(_: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait(30)
        yield b""

    assert (await call(serve(slow), iter([b""]), seconds=0.2)).name == "DEADLINE_EXCEEDED"


async def test_nobody_there():
    assert (await call("127.0.0.1:1", iter([b""]))).name == "UNAVAILABLE"


async def test_mistakes_of_the_caller_come_back_to_it_and_end_the_call(serve):
    begun, ended = threading.Event(), threading.Event()

    def wait(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        assert context.add_callback(ended.set)
        begun.set()
        yield from requests
        ended.wait(30)

    def broken() -> Iterator[bytes]:
        yield b"x"
        assert begun.wait(10)
        raise ValueError("no more")

    def refuses(_: bytes) -> None:
        raise BrokenPipeError

    address = serve(wait)
    with pytest.raises(ValueError, match="no more"):
        await call(address, broken())
    assert ended.wait(10)
    ended.clear()
    with pytest.raises(BrokenPipeError):
        await call(address, iter([b"x"]), refuses)
    assert ended.wait(10)


async def test_giving_up_ends_the_call_at_the_server(serve):
    begun, ended = threading.Event(), threading.Event()

    def wait(_: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(ended.set)
        begun.set()
        ended.wait(30)
        yield b""

    asking = asyncio.ensure_future(call(serve(wait), iter([b""])))
    assert await asyncio.to_thread(begun.wait, 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(ended.wait, 10)
