"""Wildcard hosts share a scope: what Envoy refuses of it keeps its earlier version, and all others their newest."""

from __future__ import annotations

import pytest

from isthmus.ir.action import Forward, Respond
from isthmus.ir.authorization import Authorization, BasicAuth, digest
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.match import Match, Prefix
from isthmus.ir.policy import Policy
from isthmus.ir.private import PrivateText
from isthmus.ir.transcoding import Api, Transcoding
from isthmus.kube.refs import ObjectRef
from isthmus.machines.last_good import Writer, read
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.standing import Standing, Version
from isthmus.machines.wildcards import Judged, Wildcards
from isthmus.xds import api
from isthmus.xds.resources import CLUSTER, SCOPE, Change

PORT = ServicePortRef("n", "s", 80)


def origin(host: str) -> Origin:
    return Origin(ObjectRef("Ingress", "n", host))


def version(host: str, text: str) -> Version:
    return Version(HostConfig("http", host, (Route(Match(Prefix("/")), Respond(200, text), origin(host)),)))


def texts(change: Change) -> dict[str, str]:
    """What each host of a scope answers."""
    assert change.resource is not None
    message = api.ScopedRouteConfiguration.FromString(change.resource.body)
    hosts = message.route_configuration.virtual_hosts
    return {host.name: host.routes[0].direct_response.body.inline_string.strip() for host in hosts}


class World:
    """Wildcard hosts, and an Envoy that refuses everything with `bad` in it."""

    def __init__(self) -> None:
        self.wild = Wildcards(["http"], "")
        self.snapshot = Snapshot()
        self.sent: list[dict[str, str]] = []
        self.blamed: list[str] = []
        self.partial = False

    def publish(self, **hosts: str | None) -> None:
        """Hosts by the first label of their domain."""
        for name, text in hosts.items():
            host = "*" if name == "rest" else f"*.{name}"
            self.wild.put("http", host, version(host, text) if text is not None else None)
        self.apply(self.wild.emit(["http"]))

    def apply(self, changes: object) -> None:
        for change in changes:  # type: ignore[attr-defined]
            self.sent.append(texts(change))
            self.partial = change.partial
            self.snapshot.apply([change])

    def answer(self) -> None:
        """Envoy answers what it was sent last."""
        (current,) = self.snapshot.all()
        if b"bad" in current.body:
            self.snapshot.reject(current, "no")
        else:
            self.snapshot.accept(current)

    def settle(self) -> dict[str, str]:
        """What is served at last."""
        for _ in range(100):
            self.answer()
            while (judged := self.wild.judged(self.snapshot)) != Judged():
                self.blamed += [each.host for each in judged.blamed]
                self.apply(judged.changes)
                if judged.changes:
                    break
            else:
                return self.sent[-1]
        raise AssertionError("it never comes to rest")

    def change(self, **hosts: str | None) -> dict[str, str]:
        self.sent.clear()
        self.blamed.clear()
        self.publish(**hosts)
        return self.settle()


@pytest.fixture
def world() -> World:
    made = World()
    assert made.change(rest="r1", a="a1", b="b1", c="c1") == {"*": "r1", "*.a": "a1", "*.b": "b1", "*.c": "c1"}
    assert len(made.sent) == 1
    return made


UNKNOWN = "no route for this host"
CLOSED = "this host's configuration was refused, and there is no earlier one"


@pytest.mark.parametrize(
    ("hosts", "served", "blamed"),
    [
        pytest.param({"a": "bad"}, {}, ["*.a"], id="one-alone"),
        pytest.param({"a": "bad", "b": "b2"}, {"*.b": "b2"}, ["*.a"], id="first-of-two"),
        pytest.param({"a": "a2", "b": "bad", "c": "c2"}, {"*.a": "a2", "*.c": "c2"}, ["*.b"], id="in-the-middle"),
        pytest.param({"a": "bad", "b": "b2", "c": "bad"}, {"*.b": "b2"}, ["*.a", "*.c"], id="two-of-three"),
        pytest.param({"a": "bad", "b": "bad", "c": "bad"}, {}, ["*.a", "*.b", "*.c"], id="all-that-changed"),
        pytest.param({"rest": "bad", "b": "b2"}, {"*.b": "b2"}, ["*"], id="the-catch-all"),
        pytest.param({"new": "bad", "b": "b2"}, {"*.b": "b2", "*.new": CLOSED}, ["*.new"], id="without-an-earlier-one"),
        pytest.param({"a": "bad", "b": None}, {"*.b": None}, ["*.a"], id="beside-one-that-goes"),
    ],
)
def test_only_the_culprit_stays_behind(
    world: World, hosts: dict[str, str | None], served: dict[str, str | None], blamed: list[str]
) -> None:
    before = dict(world.sent[-1])
    wanted = {host: text for host, text in (before | served).items() if text is not None}
    assert world.change(**hosts) == wanted
    assert sorted(world.blamed) == blamed
    assert world.partial


def test_at_the_first_start_too() -> None:
    world = World()
    assert world.change(a="a1", b="bad", c="c1") == {"*": UNKNOWN, "*.a": "a1", "*.b": CLOSED, "*.c": "c1"}


def test_others_change_in_one_step_while_a_refused_one_stays_behind(world: World) -> None:
    world.change(a="bad")
    assert world.change(b="b2")["*.b"] == "b2"
    assert (len(world.sent), world.blamed) == (1, [])


def test_a_refused_host_is_tried_again_when_it_changes(world: World) -> None:
    world.change(a="bad")
    assert world.change(a="bad too")["*.a"] == "a1"
    assert world.blamed == ["*.a"]
    assert world.change(a="a3")["*.a"] == "a3"
    assert not world.partial
    assert world.change(a="bad")["*.a"] == "a3"
    assert world.blamed == ["*.a"]


def test_a_host_that_went_has_no_earlier_version(world: World) -> None:
    world.change(a=None)
    assert world.change(a="bad")["*.a"] == CLOSED


def test_nor_has_one_that_went_and_came_again_at_once(world: World) -> None:
    world.publish(a="a2")
    (under_way,) = world.snapshot.all()
    world.publish(a=None)
    world.publish(a="bad")
    world.snapshot.accept(under_way)
    assert world.settle()["*.a"] == CLOSED


def test_what_was_accepted_while_something_newer_was_made_is_an_earlier_version(world: World) -> None:
    world.publish(a="a2")
    (under_way,) = world.snapshot.all()
    world.publish(b="bad")
    world.snapshot.accept(under_way)
    assert world.settle()["*.a"] == "a2"
    assert all(each["*.a"] == "a2" for each in world.sent[-2:])


def test_clusters_of_an_earlier_version_stay_as_long_as_it_is_served(world: World) -> None:
    assert not world.snapshot.refuses(SCOPE)
    world.change(a="bad")
    assert world.snapshot.refuses(SCOPE) and not world.snapshot.refuses(CLUSTER)
    world.change(a="a1")
    assert not world.snapshot.refuses(SCOPE)


def test_a_refusal_that_nothing_new_explains_is_said_of_all_and_ends(world: World) -> None:
    world.publish(a=None)
    (current,) = world.snapshot.all()
    world.snapshot.reject(current, "no")
    judged = world.wild.judged(world.snapshot)
    assert judged.changes == ()
    assert [each.host for each in judged.blamed] == ["*", "*.b", "*.c"]
    assert world.change(b="b2") == {"*": "r1", "*.b": "b2", "*.c": "c1"}


def schema(text: bytes) -> tuple[tuple[ServicePortRef, Transcoding], ...]:
    return ((PORT, Transcoding("digest", text, ("n.S",))),)


def test_a_refused_schema_leaves_the_earlier_one() -> None:
    world = World()
    config = HostConfig("http", "*.a", (Route(Match(Prefix("/")), Forward(Backend(PORT), api=Api()), origin("*.a")),))
    for text in (b"good", b"bad"):
        world.wild.put("http", "*.a", Version(config, schema(text)))
        world.apply(world.wild.emit(["http"]))
        world.settle()
    (current,) = world.snapshot.all()
    assert b"good" in current.body and b"bad" not in current.body


def test_policies_of_an_earlier_version_are_wanted_while_it_is_served(world: World) -> None:
    users = Authorization("here", basic=BasicAuth("realm", (("u", PrivateText("hash")),)))
    route = Route(Match(Prefix("/")), Respond(200, "a2"), origin("*.a"), Policy(authorization=users))
    world.wild.put("http", "*.a", Version(HostConfig("http", "*.a", (route,))))
    world.change()
    assert world.wild.policies() == {}
    world.change(a="bad")
    assert world.wild.policies() == {digest(users): users}


def test_a_restart_knows_what_was_refused_and_what_was_accepted(world: World) -> None:
    before = world.change(a="bad", b="b2", new="bad")
    found = read(b"".join(map(Writer().wildcard, world.wild.standings()))).wildcards
    assert found["http", "*.a"] == Standing("http", "*.a", version("*.a", "a1"), version("*.a", "bad"), "no")
    again = World()
    again.wild.recall(found.values())
    again.publish(rest="r1", a="bad", b="b2", c="c1", new="bad")
    assert again.sent == [before]
    assert again.snapshot.version == world.snapshot.version
    assert again.change(a="bad too", c="c2") == before | {"*.c": "c2"}
    assert again.blamed == ["*.a"]
