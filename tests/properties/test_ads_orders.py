"""Whatever the order of publishes, answers, refusals and reconnects, every Envoy ends with what it should have.

The model of an Envoy keeps the rules that matter: a refused response changes nothing (but clusters and listeners
are taken one by one), a cluster is warming until endpoints come after it, endpoints are asked for once a cluster,
a scope that stood before the culprit of a refused response is skipped when the same bytes come again.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.machines.ads import WILDCARD_TYPES, Request, Session, Synced, WakeAt
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.subscription import Send
from isthmus.xds.resources import CLUSTER, ENDPOINTS, LISTENER, SCOPE, SECRET, Change, Resource, version_of

TYPES = (CLUSTER, ENDPOINTS, LISTENER, SCOPE, SECRET)


def made(type_url: str, name: str, body: bytes) -> Change:
    return Change(type_url, name, Resource(type_url, name, body, version_of(body)))


def cluster_of(scope: Resource) -> str:
    """The scopes of the second kind of test hold nothing but the name of a cluster, and behind it their stamp."""
    return scope.body.partition(b"*")[0].decode()


class Envoy:
    """One Envoy and both directions of its stream; messages wait until they are delivered."""

    def __init__(self, snapshot: Snapshot, refuses: frozenset[bytes], safe: bool = False) -> None:
        self.snapshot, self.refuses, self.safe = snapshot, refuses, safe
        self.held: dict[str, dict[str, Resource]] = {type_url: {} for type_url in TYPES}
        self.active: set[str] = set()
        self.known: dict[str, bytes] = {}  # scopes that it takes for applied
        self.warming: set[str] = set()
        self.sni: set[str] = set()
        self.synced = ""
        self.now = 0.0
        self.wake: float | None = None
        self.connect()

    def connect(self) -> None:
        self.now += 0.001
        self.session = Session(self.snapshot)
        self.inbox: deque[Send] = deque()
        self.outbox: deque[Request] = deque()
        for type_url in (CLUSTER, ENDPOINTS, LISTENER, SCOPE, SECRET):
            versions = {name: each.version for name, each in self.held[type_url].items()}
            names = {ENDPOINTS: {*self.held[CLUSTER]}, SECRET: self.sni}.get(type_url, set())
            if type_url in WILDCARD_TYPES or names:
                self.outbox.append(Request(type_url, tuple(sorted(names)), (), versions))

    def handshake(self, sni: str) -> None:
        if sni not in self.sni:
            self.sni.add(sni)
            self.outbox.append(Request(SECRET, (sni,)))

    def take(self, effects: object) -> None:
        for effect in effects:  # type: ignore[attr-defined]
            if isinstance(effect, Send):
                self.inbox.append(effect)
            elif isinstance(effect, Synced):
                self.synced = effect.version
            elif isinstance(effect, WakeAt):
                self.wake = effect.time

    def server_reads(self) -> bool:
        if not self.outbox:
            return False
        self.take(self.session.request(self.outbox.popleft(), self.now))
        return True

    def envoy_reads(self) -> bool:
        if not self.inbox:
            return False
        send = self.inbox.popleft()
        bad = [each for each in send.resources if any(word in each.body for word in self.refuses)]
        gradually = send.type_url in (CLUSTER, LISTENER)
        for each in send.resources:
            if not bad or (gradually and each not in bad):
                self._add(each)
        if bad and send.type_url == SCOPE:
            before = send.resources[: send.resources.index(bad[0])]
            self.known |= {each.name: each.body for each in before}
        for name in send.removed if not bad or gradually else ():
            self._remove(send.type_url, name)
        error = "refused" if bad else None
        self.outbox.append(Request(send.type_url, nonce=send.nonce, error=error))
        return True

    def _add(self, each: Resource) -> None:
        if each.type_url == SCOPE and self.known.get(each.name) == each.body:
            return
        old = self.held[each.type_url].get(each.name)
        self.held[each.type_url][each.name] = each
        if each.type_url == CLUSTER and (old is None or old.version != each.version):
            self.warming.add(each.name)
            if old is None:
                self.outbox.append(Request(ENDPOINTS, (each.name,)))
        elif each.type_url == ENDPOINTS and each.name in self.held[CLUSTER]:
            self.warming.discard(each.name)
            self.active.add(each.name)
        elif each.type_url == SCOPE:
            self.known[each.name] = each.body
            assert not self.safe or cluster_of(each) in self.active, f"{each.name} points to nothing that serves"

    def _remove(self, type_url: str, name: str) -> None:
        self.held[type_url].pop(name, None)
        if type_url == SCOPE:
            self.known.pop(name, None)
        if type_url == CLUSTER:
            users = [each.name for each in self.held[SCOPE].values() if cluster_of(each) == name]
            assert not (self.safe and users), f"{name} was removed under {users}"
            self.active.discard(name)
            self.warming.discard(name)
            self.held[ENDPOINTS].pop(name, None)
            self.outbox.append(Request(ENDPOINTS, (), (name,)))
        elif type_url == SECRET and name in self.sni:
            self.sni.discard(name)
            self.outbox.append(Request(SECRET, (), (name,)))

    def settle(self) -> None:
        """Deliver everything; time passes only when nothing else happens."""
        for _ in range(5_000):
            if self.server_reads() or self.envoy_reads():
                continue
            if self.wake is None:
                return
            self.now, self.wake = max(self.now, self.wake), None
            self.take(self.session.tick(self.now))
        raise AssertionError("it never comes to rest")


class Step(NamedTuple):
    """`what` happens to Envoy number `envoy`, or, where it is a publish, to the snapshot."""

    what: str
    envoy: int = 0
    changes: tuple[Change, ...] = ()
    sni: str = ""


NAMES = ("n/a/80/http1", "n/b/80/http1", "n/c/80/http1")
HOSTS = ("a.test", "*.w.test", "b.w.test")
BODIES = (None, b"1", b"2", b"bad for all", b"bad for one")


def any_change() -> st.SearchStrategy[Change]:
    def build(type_url: str, index: int, body: bytes | None) -> Change:
        name = HOSTS[index] if type_url == SECRET else NAMES[index]
        return Change(type_url, name, None) if body is None else made(type_url, name, body)

    return st.builds(build, st.sampled_from(TYPES), st.integers(0, 2), st.sampled_from(BODIES))


def traffic() -> st.SearchStrategy[Step]:
    what = st.sampled_from(("server_reads", "envoy_reads", "envoy_reads", "server_reads", "connect"))
    return st.builds(Step, what, st.integers(0, 1))


def publishes() -> st.SearchStrategy[Step]:
    many = st.lists(any_change(), min_size=1, max_size=12).map(tuple)
    return st.builds(Step, st.just("publish"), st.just(0), many)


def handshakes() -> st.SearchStrategy[Step]:
    snis = st.sampled_from(("a.test", "A.test", "b.w.test", "c.w.test", "none.test"))
    return st.builds(Step, st.just("handshake"), st.integers(0, 1), st.just(()), snis)


def play(steps: list[Step], snapshot: Snapshot, envoys: tuple[Envoy, ...]) -> None:
    for step in steps:
        envoy = envoys[step.envoy % len(envoys)]
        if step.what == "publish":
            effective = snapshot.apply(step.changes)
            for each in envoys:
                each.take(each.session.published(effective, each.now))
        elif step.what == "handshake":
            envoy.handshake(step.sni)
        else:
            getattr(envoy, step.what)()
    for envoy in envoys * 2:  # what one refuses changes what the other is sent
        envoy.settle()


def check(envoy: Envoy, snapshot: Snapshot, alone: bool = True) -> None:
    assert envoy.synced == snapshot.version
    assert not envoy.warming
    for type_url in TYPES:
        names = {*envoy.held[type_url], *snapshot.names(type_url)} if type_url != SECRET else envoy.sni
        if type_url == ENDPOINTS:
            names = {*envoy.held[CLUSTER]}
        for name in names:
            refused = snapshot.key(type_url, name) in snapshot.rejected
            check_one(envoy, snapshot, (type_url, name), certain=alone or not refused)


def check_one(envoy: Envoy, snapshot: Snapshot, key: tuple[str, str], certain: bool) -> None:
    """What replaces a refused version may come from the other Envoy, and then later than this one asked."""
    type_url, name = key
    held = envoy.held[type_url].get(name)
    best = snapshot.best(type_url, name)
    if snapshot.get(type_url, name) is None:
        spared = type_url == CLUSTER and snapshot.refuses(LISTENER, SCOPE)
        assert held is None or type_url == ENDPOINTS or spared, f"{name} should be gone"
    elif snapshot.closes(type_url, name):
        assert held is not None or not certain, f"{name} should be closed, or as it was"
    elif certain and best is not None and not any(word in best.body for word in envoy.refuses):
        assert held is not None and held.version == best.version, f"{name} is not the best there is"
    elif held is not None:
        assert not any(word in held.body for word in envoy.refuses), f"{name} is what was refused"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(publishes(), traffic(), traffic(), handshakes()), max_size=40))
def test_an_envoy_ends_with_the_best_there_is(steps: list[Step]) -> None:
    snapshot = Snapshot()
    envoy = Envoy(snapshot, frozenset({b"for all"}))
    play(steps, snapshot, (envoy,))
    check(envoy, snapshot)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(publishes(), traffic(), traffic(), handshakes()), max_size=40))
def test_envoys_that_refuse_different_things_do_not_spoil_each_other(steps: list[Step]) -> None:
    snapshot = Snapshot()
    one, other = Envoy(snapshot, frozenset({b"for all", b"for one"})), Envoy(snapshot, frozenset({b"for all"}))
    play(steps, snapshot, (one, other))
    check(one, snapshot, alone=False)
    check(other, snapshot, alone=False)


def consistent() -> st.SearchStrategy[tuple[dict[str, str], dict[str, bytes]]]:
    """Scopes and the clusters that they point to; a cluster that nothing points to does not exist."""
    scopes = st.dictionaries(st.sampled_from(("http/a", "http/b")), st.sampled_from(NAMES))
    return st.tuples(scopes, st.fixed_dictionaries({name: st.sampled_from((b"1", b"2")) for name in NAMES}))


def as_step(goal: tuple[dict[str, str], dict[str, bytes]]) -> Step:
    scopes, bodies = goal
    used = set(scopes.values())
    changes: list[Change] = []
    for name in ("http/a", "http/b"):
        changes.append(made(SCOPE, name, scopes[name].encode()) if name in scopes else Change(SCOPE, name, None))
    for name in NAMES:
        for type_url, body in ((CLUSTER, bodies[name]), (ENDPOINTS, b"e")):
            changes.append(made(type_url, name, body) if name in used else Change(type_url, name, None))
    return Step("publish", 0, tuple(changes))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(consistent().map(as_step), traffic(), traffic(), traffic()), max_size=60))
def test_no_scope_ever_points_to_a_cluster_that_cannot_serve(steps: list[Step]) -> None:
    snapshot = Snapshot()
    envoy = Envoy(snapshot, frozenset(), safe=True)
    play(steps, snapshot, (envoy,))
    check(envoy, snapshot)
