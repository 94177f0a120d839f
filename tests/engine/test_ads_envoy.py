"""The ADS server and a real Envoy: what is refused, what survives a restart, what a client sees of a change."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import shutil
import ssl
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme
from gateways import Answer, ask, free_ports, http_echoes

from isthmus.edge.ads_server import AdsServer
from isthmus.edge.envoy_admin import EnvoyAdmin
from isthmus.edge.envoy_process import envoy_argv, find_envoy
from isthmus.edge.runtime_dir import sockets_in
from isthmus.ir.action import Forward, Respond
from isthmus.ir.backend import Address, Backend, Endpoints, ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.listener import Certificate, Listener, PrivateBytes
from isthmus.ir.match import Match, Pattern, Prefix
from isthmus.kube.refs import ObjectRef
from isthmus.machines import ads
from isthmus.machines.ads import Effect, Rejected, Synced
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.standing import Version
from isthmus.machines.subscription import Send
from isthmus.machines.wildcards import Judged, Wildcards
from isthmus.xds import api, names
from isthmus.xds.bootstrap import bootstrap
from isthmus.xds.clusters import emit_cluster
from isthmus.xds.endpoints import emit_endpoints
from isthmus.xds.listeners import Edge, emit_listener
from isthmus.xds.resources import CLUSTER, ENDPOINTS, SCOPE, SECRET, Change, Resource, resource
from isthmus.xds.routes import emit_host, emit_wild
from isthmus.xds.secrets import emit_secret

SECONDS = 20.0
ORIGIN = Origin(ObjectRef("Ingress", "n", "i"))
AUTHORITY = trustme.CA()


def change(made: Resource) -> Change:
    return Change(made.type_url, made.name, made)


def gone(type_url: str, name: str) -> Change:
    return Change(type_url, name, None)


def scope(host: str, action: Respond | Forward) -> Change:
    return change(emit_host(HostConfig("http", host, (Route(Match(Prefix("/")), action, ORIGIN),))))


def refused_scope(host: str) -> Change:
    """A scope that Envoy refuses, for its regular expression."""
    made = scope(host, Respond(200, "bad")).resource
    assert made is not None
    message = api.ScopedRouteConfiguration.FromString(made.body)
    message.route_configuration.virtual_hosts[0].routes[0].match.safe_regex.regex = "("
    return change(resource(SCOPE, made.name, message))


def backend(number: int, connect_timeout_ms: int = 5_000) -> Backend:
    return Backend(ServicePortRef("n", f"s{number}", 80), connect_timeout_ms=connect_timeout_ms)


def endpoints(to: Backend, *addresses: str) -> Change:
    split = (each.rpartition(":") for each in addresses)
    ready = tuple(Address(ip, int(port)) for ip, _, port in split)
    return change(emit_endpoints(names.cluster(to), Endpoints(to.service, ready)))


def certificate(host: str) -> Change:
    pair = AUTHORITY.issue_cert(host)
    chain = b"".join(each.bytes() for each in pair.cert_chain_pems)
    return change(emit_secret(Certificate(host, chain, PrivateBytes(pair.private_key_pem.bytes()), ORIGIN)))


class World:
    """A control plane that is this test, and an Envoy that it configures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(("http", "https"), free_ports(2), strict=True))
        self.admin = EnvoyAdmin(sockets_in(folder).admin)
        self.told: asyncio.Queue[Effect] = asyncio.Queue()
        self.seen: list[Effect] = []
        self.envoy: subprocess.Popen[bytes] | None = None
        self.base = [
            *(change(emit_listener(each, Edge())) for each in self._listeners()),
            *(change(emit_wild(name, ())) for name in self.ports),
        ]

    def _listeners(self) -> Iterator[Listener]:
        for name, port in self.ports.items():
            yield Listener(name, "127.0.0.1", port, tls=name == "https")

    async def serve(self, *changes: Change) -> None:
        """A control plane that has just started."""
        self.seen.clear()
        while not self.told.empty():
            self.told.get_nowait()
        self.snapshot = Snapshot()
        self.server = AdsServer(self.snapshot, sockets_in(self.folder).ads, self.told.put_nowait)
        await self.server.start()
        self.server.publish([*self.base, *changes])
        self.server.open()

    async def start_envoy(self) -> None:
        config = self.folder / "bootstrap.json"
        config.write_text(json.dumps(bootstrap(sockets_in(self.folder), "t", 1 << 30)))
        self.envoy = subprocess.Popen(envoy_argv(find_envoy(), config, concurrency=1))
        assert await asyncio.to_thread(self.admin.wait_until_ready)
        await self.synced()

    def stop_envoy(self) -> None:
        if self.envoy is not None:
            self.envoy.kill()
            self.envoy.wait()

    async def apply(self, *changes: Change) -> list[Effect]:
        """Publish, wait until Envoy has it all; what happened on the way."""
        self.seen.clear()
        self.server.publish(changes)
        return await self.synced()

    async def synced(self) -> list[Effect]:
        async with asyncio.timeout(SECONDS):
            while Synced(self.snapshot.version) not in self.seen:
                self.seen.append(await self.told.get())
        return self.seen

    async def get(self, host: str, path: str = "/") -> Answer:
        return await asyncio.to_thread(ask, self.ports["http"], host, path)

    async def body(self, host: str) -> str:
        return (await self.get(host)).body.decode().strip()

    async def handshake(self, sni: str) -> bool:
        """Whether the name is served over TLS, with a certificate that is good for it."""
        try:
            await asyncio.to_thread(ask, self.ports["https"], sni, tls=True, ca=AUTHORITY.cert_pem.bytes())
        except ssl.SSLError as error:
            assert "HANDSHAKE_FAILURE" in str(error)
            return False
        return True

    async def certificates(self) -> set[str]:
        """The names that Envoy holds, or waits for, certificates of."""
        dump = json.loads(await asyncio.to_thread(self.admin.post, "/config_dump"))
        (secrets,) = [each for each in dump["configs"] if each["@type"].endswith("SecretsConfigDump")]
        return {each["name"] for kind in ("active", "warming") for each in secrets.get(f"dynamic_{kind}_secrets", ())}


def sent(effects: list[Effect]) -> list[Resource]:
    return [each for effect in effects if isinstance(effect, Send) for each in effect.resources]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="isth-"))
    made = World(folder)
    yield made
    made.stop_envoy()
    await made.server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever depends on time running out never happens."""
    monkeypatch.setattr(ads, "PATIENCE", 3600.0)


async def test_a_refused_scope_keeps_its_last_version_and_holds_nobody_up(world: World) -> None:
    await world.serve(scope("bad.test", Respond(200, "before")))
    await world.start_envoy()
    both = (scope("one.test", Respond(200, "one")), scope("two.test", Respond(200, "two")))
    effects = await world.apply(both[0], refused_scope("bad.test"), both[1])
    (refusal,) = [effect for effect in effects if isinstance(effect, Rejected)]
    assert refusal.name == "http/bad.test" and "missing )" in refusal.message
    assert [await world.body(f"{host}.test") for host in ("one", "bad", "two")] == ["one", "before", "two"]
    effects = await world.apply(scope("one.test", Respond(200, "uno")))
    assert [each.name for each in sent(effects)] == ["http/one.test"]
    await world.apply(scope("bad.test", Respond(200, "after")))
    assert await world.body("bad.test") == "after"


async def test_a_host_that_is_refused_at_first_answers_503_and_not_as_the_wildcards_do(world: World) -> None:
    everything = HostConfig("http", "*", (Route(Match(Prefix("/")), Respond(200, "wild"), ORIGIN),))
    await world.serve(change(emit_wild("http", [everything])))
    await world.start_envoy()
    await world.apply(refused_scope("bad.test"))
    assert await world.body("other.test") == "wild"
    assert (await world.get("bad.test")).status == 503
    await world.apply(scope("bad.test", Respond(200, "after")))
    assert await world.body("bad.test") == "after"
    await world.apply(gone(SCOPE, "http/bad.test"))
    assert await world.body("bad.test") == "wild"


def wildcard(name: str, action: Respond | Forward | None) -> Version:
    """A wildcard host; without an action Envoy refuses it, for its regular expression."""
    match = Match(Prefix("/") if action is not None else Pattern("/", "("))
    return Version(HostConfig("http", name, (Route(match, action or Respond(200, "bad"), ORIGIN),)))


async def settle(world: World, wild: Wildcards, *changes: Change) -> list[str]:
    """Have Envoy judge the wildcard hosts, as a gateway does; those that it refused."""
    await world.apply(*changes, *wild.emit(["http"]))
    blamed: list[str] = []
    while (judged := wild.judged(world.snapshot)) != Judged():
        blamed += [each.host for each in judged.blamed]
        if judged.changes:
            await world.apply(*judged.changes)
    return blamed


async def test_a_refused_wildcard_host_stays_behind_alone(world: World) -> None:
    wild = Wildcards(["http"], "")

    def put(**hosts: str | None) -> None:
        for name, text in hosts.items():
            host = f"*.{name}.test"
            wild.put("http", host, wildcard(host, Respond(200, text) if text is not None else None))

    put(a="a1", b="b1", c="c1")
    await world.serve(*wild.emit(["http"]))
    await world.start_envoy()
    put(a="a2", b=None, c="c2", d=None)
    assert sorted(await settle(world, wild)) == ["*.b.test", "*.d.test"]
    assert [await world.body(f"x.{name}.test") for name in "abc"] == ["a2", "b1", "c2"]
    assert (await world.get("x.d.test")).status == 503
    put(a="a3")
    assert await settle(world, wild) == []
    assert [await world.body(f"x.{name}.test") for name in "abc"] == ["a3", "b1", "c2"]
    put(b="b2", d="d2")
    assert await settle(world, wild) == []
    assert [await world.body(f"x.{name}.test") for name in "abcd"] == ["a3", "b2", "c2", "d2"]


async def test_a_refused_wildcard_host_keeps_the_cluster_of_its_earlier_version(world: World) -> None:
    wild = Wildcards(["http"], "")

    def put(host: str, action: Respond | Forward | None) -> None:
        wild.put("http", host, wildcard(host, action))

    with http_echoes("a") as addresses:
        old = names.cluster(backend(1))
        put("*.a.test", Forward(backend(1)))
        served = change(emit_cluster(backend(1))), endpoints(backend(1), addresses["a"])
        await world.serve(*served, *wild.emit(["http"]))
        await world.start_envoy()
        put("*.a.test", None)
        assert await settle(world, wild, gone(CLUSTER, old), gone(ENDPOINTS, old)) == ["*.a.test"]
        put("*.b.test", Respond(200, "b"))
        await settle(world, wild)
        assert (await world.get("x.a.test")).replica == "a"
        put("*.a.test", Respond(200, "new"))
        effects = await world.apply(*wild.emit(["http"]))
        assert [old] == [name for each in effects if isinstance(each, Send) for name in each.removed]


async def test_the_last_version_of_a_refused_scope_keeps_its_cluster(world: World) -> None:
    with http_echoes("a") as addresses:
        old = names.cluster(backend(1))
        served = change(emit_cluster(backend(1))), endpoints(backend(1), addresses["a"])
        await world.serve(*served, scope("a.test", Forward(backend(1))))
        await world.start_envoy()
        await world.apply(refused_scope("a.test"), gone(CLUSTER, old), gone(ENDPOINTS, old))
        assert (await world.get("a.test")).replica == "a"
        effects = await world.apply(scope("a.test", Respond(200, "new")))
        assert [old] == [name for each in effects if isinstance(each, Send) for name in each.removed]


async def test_refused_scopes_among_many_are_found_at_the_first_start(world: World) -> None:
    hosts = [f"h{number}.test" for number in range(40)]
    good = [scope(host, Respond(200, host)) for host in hosts]
    await world.serve(*good, refused_scope("bad.test"), refused_scope("worse.test"))
    await world.start_envoy()
    refused = {effect.name for effect in world.seen if isinstance(effect, Rejected)}
    assert refused == {"http/bad.test", "http/worse.test"}
    assert [await world.body(host) for host in hosts] == hosts


async def test_a_refused_removal_s_neighbour_is_removed_all_the_same(world: World) -> None:
    hosts = [f"h{number}.test" for number in range(20)]
    await world.serve(scope("old.test", Respond(200, "old")))
    await world.start_envoy()
    many = [scope(host, Respond(200, host)) for host in hosts]
    await world.apply(*many, refused_scope("bad.test"), gone(SCOPE, "http/old.test"))
    assert (await world.get("old.test")).status == 404
    assert await world.body("h7.test") == "h7.test"


async def test_a_restarted_control_plane_sends_nothing_that_envoy_has(world: World) -> None:
    with http_echoes("a") as addresses:
        served = (
            change(emit_cluster(backend(1))),
            endpoints(backend(1), addresses["a"]),
            scope("a.test", Forward(backend(1))),
            certificate("a.test"),
            certificate("*.w.test"),
        )
        await world.serve(*served)
        await world.start_envoy()
        assert (await world.get("a.test")).replica == "a"
        assert await world.handshake("a.test") and await world.handshake("x.w.test")
        await world.server.stop()
        assert (await world.get("a.test")).replica == "a"
        await world.serve(*reversed(served))
        assert sent(await world.synced()) == []
        effects = await world.apply(scope("b.test", Respond(200, "b")))
        assert [each.name for each in sent(effects)] == ["http/b.test"]
        assert await world.body("b.test") == "b"


class Load:
    """Requests one after the other on one connection, until it is left; every answer is kept."""

    def __init__(self, port: int, host: str) -> None:
        self.statuses: list[int] = []
        self._answered = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, host))

    def _run(self, port: int, host: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        with contextlib.closing(connection):
            while not self._stop.is_set():
                connection.request("GET", "/", headers={"host": host})
                response = connection.getresponse()
                response.read()
                with self._answered:
                    self.statuses.append(response.status)
                    self._answered.notify()

    def wait_for_two(self) -> None:
        """Return when two more answers are there: the second was asked for after this was called."""
        with self._answered:
            wanted = len(self.statuses) + 2
            assert self._answered.wait_for(lambda: len(self.statuses) >= wanted, SECONDS)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.usefixtures("no_deadline")
async def test_moving_a_host_to_a_new_cluster_fails_no_request(world: World) -> None:
    with http_echoes("a") as addresses:

        def serving(number: int) -> list[Change]:
            made = change(emit_cluster(backend(number)))
            return [scope("a.test", Forward(backend(number))), endpoints(backend(number), addresses["a"]), made]

        await world.serve(*serving(0))
        await world.start_envoy()
        with Load(world.ports["http"], "a.test") as load:
            for number in range(1, 15):
                old = names.cluster(backend(number - 1))
                await world.apply(gone(CLUSTER, old), gone(ENDPOINTS, old), *serving(number))
                await asyncio.to_thread(load.wait_for_two)
            await world.server.stop()
            await world.serve(*serving(15))  # it changed while nobody was there to tell
            await world.synced()
        assert {*load.statuses} == {200}
        stats = await asyncio.to_thread(world.admin.stats, "cluster_manager.(active|warming)_clusters")
        # the one under test, the control plane's and the adapter's two
        assert stats == {"cluster_manager.active_clusters": 5, "cluster_manager.warming_clusters": 0}


@pytest.mark.usefixtures("no_deadline")
async def test_a_changed_cluster_serves_its_new_settings_at_once(world: World) -> None:
    """Without its endpoints sent again, Envoy would go on with the old settings for 15 seconds."""
    with http_echoes("a") as addresses:
        made = emit_cluster(backend(1))
        await world.serve(change(made), endpoints(backend(1), addresses["a"]), scope("a.test", Forward(backend(1))))
        await world.start_envoy()
        message = api.Cluster.FromString(made.body)
        message.connect_timeout.FromMilliseconds(1234)
        effects = await world.apply(change(resource(CLUSTER, made.name, message)))
        assert [each.type_url for each in sent(effects)] == [CLUSTER, ENDPOINTS]
        assert await _within(10, world, "warming_clusters", 0)
        dump = await asyncio.to_thread(world.admin.post, "/config_dump")
        assert '"connect_timeout": "1.234s"' in dump
        assert (await world.get("a.test")).replica == "a"


async def _within(seconds: float, world: World, gauge: str, value: int) -> bool:
    """Whether one of Envoy's gauges comes to a value in time; Envoy offers no signal to wait for."""
    async with asyncio.timeout(seconds):
        while (await asyncio.to_thread(world.admin.stats, f"cluster_manager.{gauge}")) != {
            f"cluster_manager.{gauge}": value
        }:
            await asyncio.to_thread(threading.Event().wait, 0.01)
    return True


@pytest.mark.usefixtures("no_deadline")
async def test_a_cluster_that_nobody_sent_endpoints_for_answers_503_at_once(world: World) -> None:
    await world.serve()
    await world.start_envoy()
    await world.apply(change(emit_cluster(backend(1))), scope("a.test", Forward(backend(1))))
    assert (await world.get("a.test")).status == 503


async def test_a_name_without_certificate_is_refused_until_there_is_one(world: World) -> None:
    await world.serve()
    await world.start_envoy()
    assert not await world.handshake("a.test")
    assert not await world.handshake("a.test")
    await world.apply(certificate("a.test"))
    assert await world.handshake("a.test") and await world.handshake("a.test")
    await world.apply(gone(SECRET, "a.test"))
    assert not await world.handshake("a.test")


async def test_a_flood_of_unknown_names_leaves_nothing_behind(world: World) -> None:
    await world.serve(certificate("a.test"))
    await world.start_envoy()
    assert await world.handshake("a.test")
    for number in range(50):
        assert not await world.handshake(f"flood-{number}.test")
    assert await world.certificates() == {"a.test"}


async def test_names_under_a_wildcard_do_not_pile_up_in_envoy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ads, "MOST_BY_WILDCARD", 5)
    await world.serve(certificate("*.w.test"), certificate("a.test"))
    await world.start_envoy()
    assert await world.handshake("a.test")
    for number in range(20):
        assert await world.handshake(f"x{number}.w.test")
    held = await world.certificates()
    assert "a.test" in held and len(held) <= 7  # five, the one that is a moment too many, and the exact one
    assert await world.handshake("x0.w.test")
