"""gRPC over a WebSocket: the four kinds, text and binary, the end, who may connect, and who goes away."""

import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from adapters import Running, running
from aiohttp import WSMsgType


@pytest_asyncio.fixture(scope="module")
async def adapted() -> AsyncIterator[Running]:
    async with running() as found:
        yield found


async def rest_of(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[object], int, str]:
    """The text frames until the close, its code and its reason."""
    found = []
    while (frame := await socket.receive(10)).type is WSMsgType.TEXT:
        found.append(json.loads(frame.data))
    assert frame.type is WSMsgType.CLOSE
    return found, frame.data, frame.extra or ""


@pytest.mark.parametrize(
    ("path", "frames", "answers"),
    [
        pytest.param("/v1/trials/count?count=2", [], [{"number": "1"}, {"number": "2"}], id="get-rule-needs-no-frame"),
        pytest.param("/library.v1.TrialService/Count", ['{"count":1}'], [{"number": "1"}], id="server-stream"),
        pytest.param("/library.v1.TrialService/Mirror", ['{"text":"x"}'], [{"text": "x"}], id="unary"),
        pytest.param("/v1/trials/sum", ['{"number":1}', '{"number":2}', ""], [{"sum": "3", "count": "2"}], id="client"),
        pytest.param("/v1/trials/bounce", ['{"number":1}', ""], [{"number": "1"}], id="bidi"),
        pytest.param("/v1/shelves/1/books/1/title", [], ["Moby-Dick; or, The Whale"], id="one-field"),
    ],
)
async def test_kinds(adapted: Running, path: str, frames: list[str], answers: list[object]) -> None:
    async with adapted.http.ws_connect(f"http://x{path}") as socket:
        for frame in frames:
            await socket.send_str(frame)
        assert await rest_of(socket) == (answers, 1000, "")


async def test_a_conversation(adapted: Running) -> None:
    async with adapted.http.ws_connect("http://x/v1/trials/bounce") as socket:
        for number in range(3):
            await socket.send_str(json.dumps({"number": number + 1}))
            assert await socket.receive_json(timeout=10) == {"number": str(number + 1)}
        await socket.send_str('{"failWith":7}')
        error = {"error": {"code": 7, "message": "asked to fail with 7", "details": []}}
        assert await rest_of(socket) == ([error], 4007, "asked to fail with 7")


async def test_binary_frames(adapted: Running) -> None:
    async with adapted.http.ws_connect("http://x/v1/trials/bounce") as socket:
        await socket.send_bytes(b"\x08\x05")
        assert await socket.receive_bytes(timeout=10) == b"\x08\x05"
        await socket.send_bytes(b"")  # an empty message in protobuf, no end
        assert await socket.receive_bytes(timeout=10) == b""
        await socket.send_str("")
        assert await rest_of(socket) == ([], 1000, "")


@pytest.mark.parametrize(
    ("path", "frames", "words"),
    [
        ("/v1/trials/bounce", ["{"], "bad JSON"),
        ("/v1/trials/bounce", ['{"number":"x"}'], "number"),
        ("/v1/trials/bounce", [b"\xff"], "protobuf"),
        ("/v1/shelves/1:watch?follow=true", ["{}"], "the address holds the whole request"),
        ("/library.v1.LibraryService/ListShelves", ["{}", "{}"], "this method takes one message"),
    ],
)
async def test_wrong_frames(adapted: Running, path: str, frames: list[str | bytes], words: str) -> None:
    async with adapted.http.ws_connect(f"http://x{path}") as socket:
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        found, code, reason = await rest_of(socket)
        assert code == 4003 and words in reason and found[-1]["error"]["code"] == 3  # type: ignore[index]


async def test_a_long_reason_is_cut_between_letters(adapted: Running) -> None:
    async with adapted.http.ws_connect("http://x/library.v1.TrialService/Count") as socket:
        await socket.send_str(json.dumps({"count": 1, "failWith": 5, "message": "ü" * 100}))
        found, code, reason = await rest_of(socket)
        assert (code, reason) == (4005, "ü" * 61) and found[-1]["error"]["message"] == "ü" * 100  # type: ignore[index]


async def test_a_frame_that_is_too_large(adapted: Running) -> None:
    async with adapted.http.ws_connect("http://x/v1/trials/bounce") as socket:
        with contextlib.suppress(ConnectionError):  # it does not wait for all of it
            await socket.send_str(" " * 5_000_000)
        frame = await socket.receive(10)
        assert (frame.type, frame.data) == (WSMsgType.CLOSE, 1009) or frame.type in (WSMsgType.CLOSED, WSMsgType.ERROR)


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"Origin": "http://x"}, True),
        ({"Origin": "http://x:80"}, False),
        ({"Origin": "https://x", "x-forwarded-proto": "https"}, True),
        ({"Origin": "https://x"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil"}, False),
        ({"Origin": "http://friend", "x-isthmus-origins": "http://other, http://friend"}, True),
        ({"Origin": "http://anyone", "x-isthmus-origins": "*"}, True),
        ({"Origin": "http://x:8080", "x-isthmus-port": "8080"}, True),
        ({"Origin": "http://x:8081", "x-isthmus-port": "8080"}, False),
        ({"Origin": "http://localhost:3000", "x-isthmus-origins": "http://localhost:*"}, True),
        ({"Origin": "http://localhost", "x-isthmus-origins": "http://localhost:*"}, True),
        ({"Origin": "http://[::1]:99", "x-isthmus-origins": "http://other,http://[::1]:*"}, True),
        ({"Origin": "http://localhost:3000.evil", "x-isthmus-origins": "http://localhost:*"}, False),
        ({"Origin": "http://localhost.evil:3000", "x-isthmus-origins": "http://localhost:*"}, False),
    ],
)
async def test_origins(adapted: Running, headers: dict[str, str], may: bool) -> None:
    try:
        async with adapted.http.ws_connect("http://x/v1/trials/count?count=1", headers=headers):
            assert may
    except aiohttp.WSServerHandshakeError as error:
        assert not may and error.status == 403


async def test_a_path_that_is_not_served(adapted: Running) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await adapted.http.ws_connect("http://x/nothing")
    assert caught.value.status == 404


async def test_a_token_from_a_browser(adapted: Running) -> None:
    offered = ("isthmus", "bearer.abc.def")
    async with adapted.http.ws_connect("http://x/library.v1.LibraryService/Ping", protocols=offered) as socket:
        assert socket.protocol == "isthmus"
        await socket.send_str("{}")
        found, _, _ = await rest_of(socket)
        assert "authorization" in json.dumps(found)
