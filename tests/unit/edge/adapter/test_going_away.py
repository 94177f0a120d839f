"""Who goes away is noticed: a caller in any protocol ends its call at once, an adapter that stops ends in order."""

import asyncio
import queue
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


class Watched(greeter.Greeter):
    """Says when a call has begun, too."""

    def __init__(self, host: str) -> None:
        self.started: queue.SimpleQueue[str] = queue.SimpleQueue()
        super().__init__(host, "watched")

    def _call(self, method: str, context: Any) -> Any:
        self.started.put(method)
        return super()._call(method, context)


def start(host: str, port: Any) -> Watched:
    server = Watched(host)
    server.listen(port, None)
    return server


@pytest_asyncio.fixture(scope="module")
async def adapted() -> AsyncIterator[Running]:
    async with running(start, SCHEMA) as found:
        yield found


async def started(adapted: Running) -> str:
    """The method of the next call that has begun, as the server sees it."""
    server: Any = adapted.server
    return await asyncio.to_thread(server.started.get, timeout=10)


async def cancelled(adapted: Running) -> str:
    """The method of the next call whose client has gone, as the server sees it."""
    server: Any = adapted.server
    return await asyncio.to_thread(server.cancelled.get, timeout=10)


async def give_up(adapted: Running, url: str, body: bytes, **headers: str) -> None:
    """Go away while nothing has been answered yet."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    asking = asyncio.create_task(adapted.http.post(url, data=body, headers=sent).__aenter__())
    await started(adapted)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_rest_before_the_first_answer(adapted: Running) -> None:
    await give_up(adapted, STREAM, SLOW)
    assert await cancelled(adapted) == "SayHelloStreamReply"


async def test_connect_before_the_answer(adapted: Running) -> None:
    url = "http://x/helloworld.Greeter/SayHello"
    await give_up(adapted, url, SLOW, connect_protocol_version="1", content_type="application/json")
    assert await cancelled(adapted) == "SayHello"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", FIRST), ("application/connect+json", enveloped(FIRST))],
    ids=["rest", "connect"],
)
async def test_in_the_middle_of_a_stream(adapted: Running, content_type: str, body: bytes) -> None:
    response = await adapted.http.post(STREAM, data=body, headers={"content-type": content_type})
    await response.content.readany()
    response.close()
    assert (await started(adapted), await cancelled(adapted)) == ("SayHelloStreamReply", "SayHelloStreamReply")


@pytest.mark.parametrize("body", [SLOW, FIRST], ids=["before-the-first-answer", "in-the-middle"])
async def test_websocket(adapted: Running, body: bytes) -> None:
    socket = await adapted.http.ws_connect(STREAM)
    await socket.send_str(body.decode())
    await started(adapted)
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
    assert (await started(adapted), await cancelled(adapted)) == ("SayHelloStreamReply", "SayHelloStreamReply")
