"""Who goes away is noticed: a caller in any protocol ends its call at once, an adapter that stops ends in order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from adapters import Running, running

from isthmus.edge.upstreams import greeter
from isthmus.schema.envelopes import enveloped
from isthmus.schema.plan import make_schema

SCHEMA = make_schema([greeter.POOL.FindFileByName("helloworld.proto").serialized_pb])
STREAM = "http://x/helloworld.Greeter/SayHelloStreamReply"
SLOW = b'{"name":"a","count":2,"delayMs":60000}'
FIRST = b'{"name":"a","count":1000000}'


@pytest_asyncio.fixture(scope="module")
async def adapted() -> AsyncIterator[Running]:
    async with running(greeter.start, SCHEMA) as found:
        yield found


async def cancelled(adapted: Running) -> str:
    """The method of the next call whose client has gone, as the server sees it."""
    server: Any = adapted.server
    return await asyncio.to_thread(server.cancelled.get, timeout=10)


@pytest.mark.parametrize("body", [SLOW, FIRST], ids=["before-the-first-answer", "in-the-middle"])
async def test_rest(adapted: Running, body: bytes) -> None:
    asking = asyncio.create_task(adapted.http.post(STREAM, data=body).__aenter__())
    if body is FIRST:
        (await asking).close()
    else:
        await asyncio.wait([asking], timeout=0.3)  # until the call is under way
        asking.cancel()
    assert await cancelled(adapted) == "SayHelloStreamReply"


async def test_connect_unary(adapted: Running) -> None:
    sent = {"connect-protocol-version": "1", "content-type": "application/json"}
    asking = asyncio.create_task(
        adapted.http.post("http://x/helloworld.Greeter/SayHello", data=SLOW, headers=sent).__aenter__()
    )
    await asyncio.wait([asking], timeout=0.3)
    asking.cancel()
    assert await cancelled(adapted) == "SayHello"


async def test_connect_stream(adapted: Running) -> None:
    sent = {"content-type": "application/connect+json"}
    response = await adapted.http.post(STREAM, data=enveloped(FIRST), headers=sent)
    await response.content.readany()
    response.close()
    assert await cancelled(adapted) == "SayHelloStreamReply"


@pytest.mark.parametrize("body", [SLOW, FIRST], ids=["before-the-first-answer", "in-the-middle"])
async def test_websocket(adapted: Running, body: bytes) -> None:
    socket = await adapted.http.ws_connect(STREAM)
    await socket.send_str(body.decode())
    if body is FIRST:
        await socket.receive(10)
    await socket.close()
    assert await cancelled(adapted) == "SayHelloStreamReply"


async def test_a_slow_reader_is_waited_for(adapted: Running) -> None:
    """Of a million answers only a few megabytes are under way while nobody reads."""
    response = await adapted.http.post(STREAM, data=FIRST)
    got = await response.content.readany()
    assert got.startswith(b'[{"message":"Hello a 1"')
    assert len(got) < 4_000_000
    response.close()
    assert await cancelled(adapted) == "SayHelloStreamReply"
