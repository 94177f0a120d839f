"""Calls over the explorer's WebSocket, to a real gRPC server: every kind, how they end, and what bounds them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from explorer_world import World
from msgspec.structs import replace

from isthmus.edge.explorer import bridge


class Talk:
    """A page's side of one call."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def message(self, value: object) -> None:
        await self.send("message", json=json.dumps(value))

    async def until(self, kind: str) -> dict:
        """The next frame of this kind; others before it are passed over."""
        async with asyncio.timeout(10):
            while True:
                frame = await self.socket.receive()
                assert frame.type is WSMsgType.TEXT, f"closed before a {kind}"
                told = json.loads(frame.data)
                if told["type"] == kind:
                    return told


@contextlib.asynccontextmanager
async def talk(world: World, method: str, **start: object) -> AsyncIterator[Talk]:
    async with ClientSession() as session, session.ws_connect(f"{world.url}/_isthmus/api/call") as socket:
        conversation = Talk(socket)
        await conversation.send("start", upstream="world", method=f"/world.v1.{method}", **start)
        yield conversation


async def test_a_unary_call_tells_headers_message_trailers_and_status(world):
    metadata = [["X-Colour", "blue"], ["photo-bin", "AP8"]]
    async with talk(world, "Greeter/SayHello", metadata=metadata) as page:
        await page.message({"name": "Ada"})
        await page.send("end")
        headers = await page.until("headers")
        message = await page.until("message")
        status = await page.until("status")
    assert ["served-by", "world"] in headers["metadata"] and ["raw-bin", "AP8="] in headers["metadata"]
    assert json.loads(message["json"]) == {"message": "Hello, Ada!"} and message["size"] == 13
    assert (status["code"], status["name"]) == (0, "OK") and ["cost", "1"] in status["trailers"]
    assert 0 < headers["at"] <= message["at"] <= status["at"]
    seen = world.server.seen[-1]
    assert (seen["x-colour"], seen["photo-bin"], seen["x-route"]) == ("blue", b"\x00\xff", "world")


async def test_a_server_streams_messages_one_by_one(world):
    async with talk(world, "Greeter/CountDown") as page:
        await page.message({"from": 2})
        await page.send("end")
        await page.until("sent")
        world.server.release.release()
        assert json.loads((await page.until("message"))["json"]) == {"number": 2}
        world.server.release.release()
        assert json.loads((await page.until("message"))["json"]) == {"number": 1}
        assert (await page.until("status"))["code"] == 0


async def test_a_client_streams(world):
    async with talk(world, "Greeter/Gather") as page:
        for name in ("Ada", "Grace"):
            await page.message({"name": name})
        await page.send("end")
        assert json.loads((await page.until("message"))["json"]) == {"message": "Hello, Ada and Grace!"}


async def test_both_sides_take_turns(world):
    async with talk(world, "Greeter/Chat") as page:
        for name in ("Ada", "Grace"):
            await page.message({"name": name})
            assert (await page.until("message"))["json"].count(name) == 1
        await page.send("end")
        assert (await page.until("status"))["code"] == 0


async def test_an_error_comes_with_its_details_known_or_not(world):
    async with talk(world, "Greeter/Refuse") as page:
        await page.message({"name": "x"})
        await page.send("end")
        status = await page.until("status")
    assert (status["code"], status["name"], status["message"]) == (3, "INVALID_ARGUMENT", "'x' is no name")
    known, unknown = (json.loads(each) for each in status["details"])
    assert known["fieldViolations"] == [{"field": "name", "description": "is never polite"}]
    assert unknown["@type"].endswith("of.nobody.Knows") and unknown["base64"] == "AQ=="


async def test_every_kind_of_field_comes_back_as_it_went(world):
    sent = {
        "text": "ä\n", "data": "AP8=", "yes": True, "small": -1, "large": "-9223372036854775808",
        "huge": "18446744073709551615", "real": "NaN", "mood": "MOOD_CALM", "maybe": "", "sure": False,
        "place": {"city": "a", "within": {"city": "b"}}, "words": ["", "b"], "places": [{}, {"city": "c"}],
        "scores": {"a": 1}, "numbered": {"7": {"city": "d"}}, "spot": {}, "at": "2026-01-31T12:00:00Z",
        "lasting": "1.500s", "wrapped": "", "wide": "1", "struct": {"a": [1.5, None]}, "value": None, "list": [1.0],
        "mask": "placeName,at", "any": {"@type": "type.googleapis.com/world.v1.Place", "city": "e"}, "nothing": {},
        "moods": ["MOOD_STORMY"],
    }  # fmt: skip
    async with talk(world, "Kinds/Echo") as page:
        await page.message(sent)
        await page.send("end")
        message = await page.until("message")
    assert message.get("note", "") == ""
    assert json.loads(message["json"]) == sent


async def test_fields_that_are_not_set_are_shown_when_asked_for(world):
    async with talk(world, "Kinds/Echo", defaults=True) as page:
        await page.message({})
        await page.send("end")
        assert json.loads((await page.until("message"))["json"])["large"] == "0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"nme": "Ada"}', "nme", id="unknown-field"),
        pytest.param('{"name": 1}', "name", id="wrong-type"),
        pytest.param('{"times": 1.5}', "times", id="no-integer"),
        pytest.param("{", "Expecting", id="no-json"),
        pytest.param("[1]", "", id="no-object"),
        pytest.param('{"name":' * 5000, "", id="deep"),
    ],
)
async def test_a_message_that_does_not_fit_is_refused_and_the_call_goes_on(world, text, said):
    async with talk(world, "Greeter/Chat") as page:
        await page.send("message", json=text)
        refused = await page.until("invalid")
        assert refused["number"] == 0 and said in refused["message"]
        await page.message({"name": "Ada"})
        assert (await page.until("sent"))["number"] == 1
        assert "Ada" in (await page.until("message"))["json"]


async def test_nothing_follows_the_half_close(world):
    async with talk(world, "Greeter/CountDown") as page:
        await page.message({"from": 1})
        await page.send("end")
        await page.message({"from": 1})
        assert "closed" in (await page.until("invalid"))["message"]
        world.server.release.release()
        assert (await page.until("status"))["code"] == 0


@pytest.mark.parametrize("how", ["cancel", "leave"])
async def test_a_page_that_cancels_or_goes_away_ends_the_call(world, how):
    world.server.cancelled.clear()
    async with talk(world, "Greeter/CountDown") as page:
        await page.message({"from": 9})
        await page.send("end")
        await page.until("sent")
        world.server.release.release()
        await page.until("message")
        if how == "cancel":
            await page.send("cancel")
            assert (await page.until("status"))["name"] == "CANCELLED"
    await asyncio.wait_for(world.server.cancelled.wait(), 10)


async def test_a_deadline_is_kept(world):
    async with talk(world, "Greeter/CountDown", timeout=0.05) as page:
        await page.message({"from": 1})
        await page.send("end")
        assert (await page.until("status"))["name"] == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        pytest.param({"method": "/world.v1.Greeter/No"}, "reload", id="no-method"),
        pytest.param({"upstream": "nowhere"}, "reload", id="no-server"),
        pytest.param({"metadata": [["grpc-timeout", "1S"]]}, "gRPC's own", id="reserved"),
        pytest.param({"metadata": [["a b", "1"]]}, "letters", id="bad-key"),
        pytest.param({"metadata": [["a", "ä"]]}, "ASCII", id="bad-value"),
        pytest.param({"metadata": [["a-bin", "?"]]}, "base64", id="bad-bytes"),
        pytest.param({"timeout": -1}, "deadline", id="deadline"),
        pytest.param({"colour": "blue"}, "colour", id="unknown-field"),
        pytest.param({"type": "end"}, "start", id="not-a-start"),
    ],
)
async def test_a_call_that_cannot_be_made_says_why(world, start, said):
    frame = {"type": "start", "upstream": "world", "method": "/world.v1.Greeter/SayHello"} | start
    if frame["type"] == "end":
        frame = {"type": "end"}
    async with ClientSession() as session, session.ws_connect(f"{world.url}/_isthmus/api/call") as socket:
        await socket.send_json(frame)
        assert said in (await Talk(socket).until("problem"))["message"]


async def test_a_server_that_is_down_is_unavailable(world):
    there = world.catalog.upstreams
    world.catalog.upstreams = (replace(there[0], target="127.0.0.1:1"),)
    try:
        async with talk(world, "Greeter/SayHello") as page:
            await page.message({})
            await page.send("end")
            assert (await page.until("status"))["name"] == "UNAVAILABLE"
    finally:
        world.catalog.upstreams = there


async def test_calls_are_bounded_in_number(world, monkeypatch):
    monkeypatch.setattr(bridge, "MOST_CALLS", 1)
    async with talk(world, "Greeter/Chat") as first:
        await first.message({"name": "Ada"})
        await first.until("message")
        async with talk(world, "Greeter/Chat") as second:
            assert "open already" in (await second.until("problem"))["message"]
        await first.message({"name": "Grace"})
        assert "Grace" in (await first.until("message"))["json"]


async def test_messages_are_bounded_in_size(world):
    async with talk(world, "Greeter/Chat") as page:
        await page.message({"name": "x" * bridge.MOST_BYTES})
        async with asyncio.timeout(10):
            while (frame := await page.socket.receive()).type is WSMsgType.TEXT:
                pass
    assert frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_messages_that_a_server_does_not_read_do_not_pile_up(world, monkeypatch):
    monkeypatch.setattr(bridge, "_QUEUE", 2)
    async with talk(world, "Greeter/Gather") as page:
        await page.message({"name": "wait"})
        await page.until("sent")
        for _ in range(40):  # gRPC's windows take some of these
            await page.message({"name": "x" * 1_000_000})
        assert "wait already" in (await page.until("invalid"))["message"]
        await page.send("cancel")
        assert (await page.until("status"))["name"] == "CANCELLED"
