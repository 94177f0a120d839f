"""Random edits of wildcard hosts, and an Envoy that refuses some: a bad one costs no other anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.ir.action import Respond
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.match import Match, Prefix
from isthmus.kube.refs import ObjectRef
from isthmus.machines.last_good import Writer, read
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.standing import Standing, Version
from isthmus.machines.wildcards import Judged, Wildcards
from isthmus.xds import api
from isthmus.xds.resources import SCOPE, Resource

NAME = "http/*"
HOSTS = ("*", "*.a", "*.b", "*.c", "*.d", "*.e")
TEXTS = ("one", "two", "three", "bad", "bad too", None)
UNKNOWN = "no route for this host"
CLOSED = "this host's configuration was refused, and there is no earlier one"


class Step(NamedTuple):
    what: str
    edits: tuple[tuple[str, str | None], ...] = ()


def texts(scope: Resource) -> dict[str, str]:
    message = api.ScopedRouteConfiguration.FromString(scope.body)
    hosts = message.route_configuration.virtual_hosts
    return {host.name: host.routes[0].direct_response.body.inline_string.strip() for host in hosts}


class World:
    """A control plane and an Envoy; what is sent may be overtaken before it is answered."""

    def __init__(self, refuses: Callable[[Resource], bool]) -> None:
        self.refuses = refuses
        self.newest: dict[str, str] = {}
        self.good: dict[str, str] = {}  # what Envoy took of hosts that have been there ever since
        self.gone: set[str] = set()  # since what is under way was sent
        self.held: Resource | None = None
        self.under_way: Resource | None = None
        self.records: list[bytes] = []
        self.start([])

    def start(self, standings: list[Standing]) -> None:
        self.under_way = None
        self.snapshot, self.wild = Snapshot(), Wildcards(["http"], "")
        self.wild.recall(standings)
        self.publish(tuple(self.newest.items()))

    def publish(self, edits: tuple[tuple[str, str | None], ...]) -> None:
        for host, text in edits:
            self.newest.pop(host, None)
            if text is None:
                self.good.pop(host, None)
                self.gone.add(host)
                self.wild.put("http", host, None)
            else:
                self.newest[host] = text
                route = Route(Match(Prefix("/")), Respond(200, text), Origin(ObjectRef("Ingress", "n", host)))
                self.wild.put("http", host, Version(HostConfig("http", host, (route,))))
        self.snapshot.apply(self.wild.emit(["http"]))

    def send(self) -> bool:
        best = self.snapshot.best(SCOPE, NAME)
        if self.under_way is None and best is not None and (self.held is None or self.held.version != best.version):
            self.under_way = best
            self.gone.clear()
            return True
        return False

    def answer(self) -> bool:
        if self.under_way is None:
            return False
        if self.refuses(self.under_way):
            self.snapshot.reject(self.under_way, "no")
        else:
            self.held = self.under_way
            self.snapshot.accept(self.held)
            taken = {host: text for host, text in texts(self.held).items() if text not in (CLOSED, UNKNOWN)}
            self.good |= {host: text for host, text in taken.items() if host in self.newest.keys() - self.gone}
        self.under_way = None
        self.judge()
        return True

    def judge(self) -> None:
        while (judged := self.wild.judged(self.snapshot)) != Judged():
            self.records += map(Writer().wildcard, judged.standings)
            self.snapshot.apply(judged.changes)

    def restart(self) -> None:
        self.start(list(read(b"".join(self.records)).wildcards.values()))

    def settle(self) -> None:
        for _ in range(500):
            if not (self.send() or self.answer()):
                return
        raise AssertionError("it never comes to rest")


def steps(*more: str) -> st.SearchStrategy[list[Step]]:
    edit = st.tuples(st.sampled_from(HOSTS), st.sampled_from(TEXTS))
    publishes = st.builds(Step, st.just("publish"), st.lists(edit, min_size=1, max_size=6, unique_by=lambda e: e[0]))
    others = st.builds(Step, st.sampled_from(("send", "answer", "settle", *more)))
    return st.lists(st.one_of(publishes, others, others), max_size=30)


def play(world: World, found: list[Step]) -> None:
    for step in found:
        if step.what == "publish":
            world.publish(tuple(step.edits))
        else:
            getattr(world, step.what)()
    world.settle()


def is_bad(scope: Resource) -> bool:
    return b"bad" in scope.body


def expected(world: World) -> dict[str, str]:
    wanted = {"*": UNKNOWN} | world.newest
    return {host: world.good.get(host, CLOSED) if "bad" in text else text for host, text in wanted.items()}


@settings(max_examples=200, deadline=None)
@given(steps())
def test_every_host_ends_at_its_newest_but_the_refused_at_what_was_accepted(found: list[Step]) -> None:
    world = World(is_bad)
    play(world, found)
    assert world.held is not None
    assert texts(world.held) == expected(world)


@settings(max_examples=100, deadline=None)
@given(steps("restart"))
def test_also_where_the_control_plane_is_killed(found: list[Step]) -> None:
    world = World(is_bad)
    play(world, found)
    assert world.held is not None
    served = texts(world.held)
    assert {host: served[host] for host, text in world.newest.items() if "bad" not in text} == {
        host: text for host, text in world.newest.items() if "bad" not in text
    }
    assert not any("bad" in text for text in served.values())


@settings(max_examples=100, deadline=None)
@given(steps("restart"), st.integers(2, 5))
def test_it_comes_to_rest_whatever_is_refused(found: list[Step], one_in: int) -> None:
    play(World(lambda scope: int(scope.version, 16) % one_in == 0), found)
