"""The ADS server over a real Unix socket, with clients that speak delta xDS as Envoy does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import h2.config
import h2.connection
import h2.events
import pytest

from isthmus.edge.ads_server import AdsServer
from isthmus.machines.ads import Effect, Rejected, Session, Synced
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.subscription import Send
from isthmus.xds import api
from isthmus.xds.resources import CLUSTER, SCOPE, Change, Resource, version_of

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
SECONDS = 20


def made(name: str, body: bytes = b"1", type_url: str = SCOPE) -> Change:
    return Change(type_url, name, Resource(type_url, name, body, version_of(body)))


class Client:
    """One stream. It acknowledges only when told to."""

    def __init__(self, path: str) -> None:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.aio.insecure_channel(f"unix:{path}", options=unlimited)
        delta = self.channel.stream_stream(
            METHOD,
            request_serializer=api.DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=api.DeltaDiscoveryResponse.FromString,
        )
        self.call: Any = delta()

    async def ask(self, type_url: str = SCOPE, **fields: Any) -> None:
        await self.call.write(api.DeltaDiscoveryRequest(type_url=type_url, **fields))

    async def read(self) -> Any:
        async with asyncio.timeout(SECONDS):
            response = await self.call.read()
        assert response is not grpc.aio.EOF
        return response

    async def take(self, error: str = "") -> dict[str, str]:
        """Read one response and acknowledge or refuse it; names and versions."""
        response = await self.read()
        refusal = {"error_detail": {"code": 13, "message": error}} if error else {}
        await self.ask(response.type_url, response_nonce=response.nonce, **refusal)
        return {each.name: each.version for each in response.resources}

    async def heard(self) -> None:
        """Returns when the server has read everything that was written: it answers another call behind it."""
        await round_trip(self.channel)

    async def close(self) -> None:
        await self.channel.close()


async def round_trip(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
        await channel.unary_unary("/no/such")(b"")


class Served:
    """A server, its clients and what it told."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.snapshot = Snapshot()
        self.told: asyncio.Queue[Effect] = asyncio.Queue()
        self.server = AdsServer(self.snapshot, path, self.told.put_nowait)
        self.clients: list[Client] = []

    def client(self) -> Client:
        self.clients.append(Client(self.path))
        return self.clients[-1]

    async def next(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(SECONDS):
            while not isinstance(effect := await self.told.get(), kind):
                pass
        return effect


@pytest.fixture
def socket_path() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="isth-")
    yield f"{folder}/ads.sock"
    shutil.rmtree(folder)


@pytest.fixture
async def served(socket_path: str) -> AsyncIterator[Served]:
    made_here = Served(socket_path)
    await made_here.server.start()
    yield made_here
    for client in made_here.clients:
        await client.close()
    await made_here.server.stop()


async def test_only_this_user_may_open_the_socket(served: Served) -> None:
    mode = os.stat(served.path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


async def test_nothing_is_answered_before_the_snapshot_is_complete(served: Served) -> None:
    served.server.publish([made("http/a")])
    client = served.client()
    await client.ask(initial_resource_versions={"http/a": version_of(b"1"), "http/b": version_of(b"1")})
    answer = asyncio.create_task(client.read())
    await client.heard()
    assert not answer.done()
    served.server.publish([made("http/b")])
    served.server.open()
    response = await answer
    assert (len(response.resources), len(response.removed_resources)) == (0, 0)


async def test_a_resource_arrives_as_it_is(served: Served) -> None:
    served.server.open()
    message = api.Cluster(name="n/a/80/http1")
    served.server.publish([made("n/a/80/http1", message.SerializeToString(), CLUSTER)])
    client = served.client()
    await client.ask(CLUSTER)
    response = await client.read()
    (entry,) = response.resources
    assert (response.type_url, entry.name, entry.resource.type_url) == (CLUSTER, "n/a/80/http1", CLUSTER)
    assert api.Cluster.FromString(entry.resource.value) == message
    assert entry.version == version_of(message.SerializeToString())


async def test_a_response_may_be_larger_than_grpc_allows_by_default(served: Served) -> None:
    served.server.open()
    served.server.publish([made("n/a/80/http1", b"." * 6_000_000, CLUSTER)])
    client = served.client()
    await client.ask(CLUSTER)
    response = await client.read()
    assert len(response.resources[0].resource.value) == 6_000_000


async def test_a_request_may_be_larger_than_grpc_allows_by_default(served: Served) -> None:
    served.server.open()
    client = served.client()
    names = [f"http/{number:0100}" for number in range(50_000)]
    await client.ask(initial_resource_versions=dict.fromkeys(names, "1"))
    response = await client.read()
    assert len(response.removed_resources) == 50_000


async def test_every_envoy_is_told_and_answers_for_itself(served: Served) -> None:
    served.server.open()
    served.server.publish([made("http/a")])
    one, other = served.client(), served.client()
    for client in (one, other):
        await client.ask()
        assert [*await client.take()] == ["http/a"]
        await served.next(Synced)
    served.server.publish([made("http/a", b"2")])
    assert await other.take("it is bad") == {"http/a": version_of(b"2")}
    assert await served.next(Rejected) == Rejected(SCOPE, "http/a", "it is bad")
    assert await one.take() == {"http/a": version_of(b"2")}


async def test_what_was_accepted_is_not_sent_again_after_a_restart(served: Served) -> None:
    served.server.open()
    served.server.publish([made("http/a"), made("http/b")])
    client = served.client()
    await client.ask()
    held = await client.take()
    await served.server.stop()
    with pytest.raises(grpc.aio.AioRpcError):
        await client.read()
    again = Served(served.path)
    await again.server.start()
    again.server.publish([made("http/b"), made("http/a", b"2")])
    again.server.open()
    client = served.client()
    await client.ask(initial_resource_versions=held)
    assert await client.take() == {"http/a": version_of(b"2")}
    await again.server.stop()


async def test_one_who_does_not_answer_holds_nobody_up_and_costs_one_response(served: Served) -> None:
    served.server.open()
    slow, quick = served.client(), served.client()
    for client in (slow, quick):
        await client.ask()
        assert await client.take() == {}
        await served.next(Synced)
    await slow.heard()
    while not served.told.empty():
        served.told.get_nowait()
    for number in range(50):
        served.server.publish([made("http/a", b"%d" % number)])
        assert await quick.take() == {"http/a": version_of(b"%d" % number)}
    await quick.heard()
    sent = [effect for effect in _drain(served.told) if isinstance(effect, Send)]
    assert len(sent) == 51  # fifty to the quick one
    assert await slow.take() == {"http/a": version_of(b"0")}
    assert await slow.take() == {"http/a": version_of(b"49")}


def _drain(queue: asyncio.Queue[Effect]) -> list[Effect]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_an_envoy_that_is_gone_is_forgotten(served: Served) -> None:
    served.server.open()
    client = served.client()
    await client.ask()
    await client.take()
    await served.next(Synced)
    assert served.server.connected == 1
    await client.close()
    async with asyncio.timeout(SECONDS), grpc.aio.insecure_channel(f"unix:{served.path}") as bystander:
        while served.server.connected:
            await round_trip(bystander)


async def test_keep_alive_on_a_quiet_stream_is_welcome(served: Served) -> None:
    """By default gRPC ends a connection at the third ping without data."""
    served.server.open()
    events = await asyncio.to_thread(_ping, served.path, 12)
    assert not [event for event in events if isinstance(event, h2.events.ConnectionTerminated)]
    assert len([event for event in events if isinstance(event, h2.events.PingAckReceived)]) == 12


def _ping(path: str, count: int) -> list[h2.events.Event]:
    """Open a stream, ask, take the answer, then ping; every event of the connection."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    events: list[h2.events.Event] = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(SECONDS)
        sock.connect(path)
        connection.initiate_connection()
        head = {":method": "POST", ":scheme": "http", ":path": METHOD, ":authority": "x", "te": "trailers"}
        connection.send_headers(1, [*head.items(), ("content-type", "application/grpc")])
        body = api.DeltaDiscoveryRequest(type_url=SCOPE).SerializeToString()
        connection.send_data(1, b"\0" + len(body).to_bytes(4, "big") + body)
        _exchange(sock, connection, events, h2.events.DataReceived)
        for number in range(count):
            connection.ping(b"%08d" % number)
            if not _exchange(sock, connection, events, h2.events.PingAckReceived):
                break
    return events


def _exchange(sock: socket.socket, connection: Any, events: list[h2.events.Event], wanted: type) -> bool:
    """Send what is to be sent and read until such an event came; False when the connection ended."""
    known = len(events)
    while True:
        sock.sendall(connection.data_to_send())
        if any(isinstance(event, wanted) for event in events[known:]):
            return True
        received = sock.recv(65536)
        if not received:
            return False
        events += connection.receive_data(received)
        if any(isinstance(event, h2.events.ConnectionTerminated) for event in events):
            return False


async def test_a_socket_that_a_killed_predecessor_left_is_replaced(socket_path: str) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(socket_path)
    assert Path(socket_path).is_socket()
    served = Served(socket_path)
    await served.server.start()
    served.server.open()
    client = served.client()
    await client.ask()
    assert await client.take() == {}
    await client.close()
    await served.server.stop()


async def test_a_bug_of_ours_ends_the_stream_so_that_envoy_connects_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    served.server.open()
    monkeypatch.setattr(Session, "request", broken)
    client = served.client()
    with contextlib.suppress(asyncio.InvalidStateError):  # the stream may end before the request is written
        await client.ask()
    with pytest.raises(grpc.aio.AioRpcError, match="a bug"):
        await client.read()
    monkeypatch.undo()
    client = served.client()
    await client.ask()
    assert await client.take() == {}


async def test_stopping_takes_no_time_even_with_streams_open(served: Served) -> None:
    served.server.open()
    client = served.client()
    await client.ask()
    await client.take()
    async with asyncio.timeout(1):
        await served.server.stop()
    with pytest.raises(grpc.aio.AioRpcError):
        await client.read()


async def test_stopping_before_the_first_answer_sends_envoy_away(
    served: Served, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    client = served.client()
    await client.ask()
    await client.heard()
    await served.server.stop()
    with pytest.raises(grpc.aio.AioRpcError, match="the control plane stops"):
        await client.read()
    assert "Traceback" not in "".join(capfd.readouterr()) + caplog.text
