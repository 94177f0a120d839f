"""One delta ADS stream as a state machine without I/O: what Envoy asked for, has, and must be sent next.

Make before break: clusters, then their endpoints, then listeners and scopes; each only when what it points to has
been accepted. Removals of clusters come last. A refused response is halved until the culprit is alone; that one is
quarantined and its last accepted version stays, with the clusters that it may lead to.
Specification: the xDS protocol, "Incremental xDS".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from isthmus.machines.snapshot import Snapshot, patterns
from isthmus.machines.subscription import Send, Subscription
from isthmus.xds import api, names
from isthmus.xds.resources import CLUSTER, ENDPOINTS, LISTENER, MAKE_ORDER, SCOPE, SECRET, Change, Resource, resource
from isthmus.xds.stamp import stamped

WILDCARD_TYPES = frozenset({CLUSTER, LISTENER, SCOPE})
PATIENCE = 1.0  # seconds that scopes wait for the endpoints of a new cluster, and removals for the first scopes
SINGLES = 8  # up to so many changed resources go one by one, so that a refusal names its culprit at once
MOST_BYTES = 2 * 1024 * 1024  # of the resources of one response
MOST_BY_WILDCARD = 1_000  # SNI names that Envoy keeps the certificate of a wildcard host for


class Request(Struct, frozen=True):
    """What Envoy said. `error` is the reason of a refusal; `nonce` is empty when nothing is acknowledged."""

    type_url: str
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial_versions: Mapping[str, str] = {}
    nonce: str = ""
    error: str | None = None


class Rejected(Struct, frozen=True):
    """Envoy refused a resource; it is quarantined until it changes. A certificate is named by its host."""

    type_url: str
    name: str
    message: str


class Synced(Struct, frozen=True):
    """Envoy has taken everything of a snapshot version (but what it refused)."""

    version: str


class WakeAt(Struct, frozen=True):
    """Call `tick` at this time."""

    time: float


Effect = Send | Rejected | Synced | WakeAt


class Session:
    """The stream of one Envoy."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._types = {type_url: Subscription() for type_url in MAKE_ORDER}
        self._warming: dict[str, float] = {}  # clusters just made that have no endpoints yet -> give up at
        self._by_wildcard: dict[str, None] = {}  # SNI names answered with a wildcard's certificate, oldest first
        self._settling_until: float | None = None  # until then Envoy may not have said yet that it has scopes
        self._alarm: float | None = None
        self._nonce = 0
        self._unsynced = True

    def request(self, request: Request, now: float) -> tuple[Effect, ...]:
        """Envoy sent something."""
        if self._settling_until is None:
            self._settling_until = now + PATIENCE
        state = self._types.get(request.type_url)
        if state is None:  # a type that we do not serve: nothing of it exists
            removed = tuple(name for name in request.subscribe if name != "*")
            return (self._send(request.type_url, (), removed, now),) if removed or not request.nonce else ()
        blame: tuple[Effect, ...] = ()
        response = state.flying
        if response is not None and request.nonce == response.nonce:
            if request.error is None:
                state.accepted(response)
                self._taken(response)
            else:
                state.rejected(response)
                blame = tuple(self._blamed(response, request.error))
        self._subscribe(request, state)
        return (*blame, *self._pump(now))

    def published(self, changes: Iterable[Change], now: float) -> tuple[Effect, ...]:
        """The snapshot changed."""
        self._unsynced = True
        for change in changes:
            state = self._types[change.type_url]
            for name in _touched(change, state):
                state.refused.pop(name, None)
                state.dirty[name] = None
            if change.type_url in (LISTENER, SCOPE):
                clusters = self._types[CLUSTER]
                clusters.touch(clusters.spared)
                clusters.spared.clear()
        return tuple(self._pump(now))

    def tick(self, now: float) -> tuple[Effect, ...]:
        """Time has passed."""
        self._alarm = None
        return tuple(self._pump(now))

    def _subscribe(self, request: Request, state: Subscription) -> None:
        wildcard = request.type_url in WILDCARD_TYPES
        held = request.initial_versions
        if not state.asked and (wildcard or request.subscribe or not request.nonce):
            state.asked = state.owes_answer = True
            state.touch((*self._snapshot.names(request.type_url), *held) if wildcard else ())
        if not wildcard:
            for name in request.unsubscribe:
                state.unsubscribe(name)
            for name in request.subscribe:
                state.subscribe(name)
            state.unanswered -= held.keys()
            if request.type_url == SECRET:
                self._count((*request.unsubscribe, *request.subscribe), held)
        # A cluster that was made anew on this stream waits for its endpoints even if Envoy holds them.
        remade = self._warming if request.type_url == ENDPOINTS else ()
        state.holds({name: version for name, version in held.items() if name not in remade})

    def _taken(self, response: Send) -> None:
        for each in response.resources:
            self._snapshot.accept(each)
            if each.type_url == ENDPOINTS:
                self._warming.pop(each.name, None)

    def _blamed(self, response: Send, error: str) -> Iterator[Effect]:
        if len(response.resources) != 1:
            return  # its halves will tell
        culprit = response.resources[0]
        self._warming.pop(culprit.name, None)
        if self._snapshot.reject(culprit, error):
            yield Rejected(culprit.type_url, self._snapshot.key(culprit.type_url, culprit.name)[1], error)

    def _pump(self, now: float) -> Iterator[Effect]:
        """Send whatever may be sent now; one response a type is under way at a time."""
        while (first := next(iter(self._warming), None)) is not None and self._warming[first] <= now:
            del self._warming[first]
        for type_url in (*MAKE_ORDER, CLUSTER):  # again at the end: removals wait for the scopes
            state = self._types[type_url]
            if state.asked and state.flying is None and self._may_make(type_url):
                response = self._next(type_url, state, now)
                if response is not None:
                    state.sent(response)
                    if type_url == CLUSTER:
                        self._remade(response, now)
                    elif type_url == SECRET:
                        self._handed_out(response)
                    yield response
        yield from self._wake(now)
        if self._unsynced and not self._warming and self._settled():
            self._unsynced = False
            yield Synced(self._snapshot.version)

    def _wake(self, now: float) -> Iterator[Effect]:
        times = list(islice(self._warming.values(), 1))
        if self._settling_until is not None and self._types[CLUSTER].dirty and now < self._settling_until:
            times.append(self._settling_until)
        alarm = min(times, default=None)
        if alarm is not None and alarm != self._alarm:
            yield WakeAt(alarm)
        self._alarm = alarm

    def _may_make(self, type_url: str) -> bool:
        """Whether everything that resources of this type point to has been accepted."""
        cluster, endpoints = self._types[CLUSTER], self._types[ENDPOINTS]
        making = self._warming or cluster.flying or cluster.halves or endpoints.halves
        return type_url not in (LISTENER, SCOPE) or not making

    def _may_break(self, type_url: str, now: float) -> bool:
        """Whether nothing points any more to what is to be removed."""
        if type_url != CLUSTER:
            return True
        told = self._types[SCOPE].asked or self._settling_until is None or now >= self._settling_until
        return told and not self._types[SCOPE].busy and not self._types[LISTENER].busy

    def _remade(self, response: Send, now: float) -> None:
        """Clusters were sent. Envoy does not ask again for the endpoints of one that changed, yet waits for them."""
        endpoints = self._types[ENDPOINTS]
        made = [each.name for each in response.resources]
        for name in (*made, *response.removed):
            endpoints.forget(name)
            self._warming.pop(name, None)
        endpoints.touch(name for name in made if name in endpoints.wanted)
        self._warming |= {name: now + PATIENCE for name in made if names.has_endpoints(name)}

    def _handed_out(self, response: Send) -> None:
        """Certificates were sent. Envoy never lets go of one: beyond a limit, those of wildcard hosts are taken back.

        What is taken back or does not exist is forgotten here too: Envoy asks again at the next handshake. Authorities
        it does not ask for again, as long as one of its listeners, be it a draining one, has a use for them.
        """
        secrets = self._types[SECRET]
        secrets.wanted.difference_update(name for name in response.removed if not names.is_authorities(name))
        self._count(response.removed, (each.name for each in response.resources))
        surplus = list(islice(self._by_wildcard, max(0, len(self._by_wildcard) - MOST_BY_WILDCARD)))
        secrets.wanted.difference_update(surplus)
        secrets.touch(surplus)

    def _count(self, out: Iterable[str], into: Iterable[str]) -> None:
        """Keep the book of SNI names that Envoy holds the certificate of a wildcard host for."""
        for sni in out:
            self._by_wildcard.pop(sni, None)
        self._by_wildcard |= {sni: None for sni in into if self._snapshot.key(SECRET, sni)[1].startswith("*.")}

    def _next(self, type_url: str, state: Subscription, now: float) -> Send | None:
        while state.halves:
            half = [best for name in state.halves.popleft() if (best := self._news(type_url, name))]
            if half:
                return self._send(type_url, half, (), now)
        made: list[Resource] = []
        gone: list[str] = []
        kept: dict[str, None] = {}
        breaking, size = self._may_break(type_url, now), 0
        for name in state.dirty:
            best = self._news(type_url, name)
            if best is not None:
                size += len(best.body)
                if size > MOST_BYTES and made:
                    kept[name] = None
                else:
                    made.append(best)
            elif self._is_gone(type_url, name):
                if not breaking:
                    kept[name] = None
                elif type_url == CLUSTER and self._is_spared(name):
                    state.spared[name] = None
                else:
                    gone.append(name)
        few = len(made) > 1 and len(made) + len(kept) <= SINGLES
        if few and not state.owes_answer and type_url != SECRET:
            kept = dict.fromkeys((*(each.name for each in made[1:]), *gone)) | kept
            made, gone = made[:1], []
        state.dirty = kept
        return self._send(type_url, made, gone, now) if made or gone or state.owes_answer else None

    def _news(self, type_url: str, name: str) -> Resource | None:
        """What Envoy should have of a resource and has not."""
        state = self._types[type_url]
        if type_url not in WILDCARD_TYPES and name not in state.wanted:
            return None
        best = self._snapshot.best(type_url, name)
        if best is None and type_url == ENDPOINTS and self._waits(name):
            best = resource(ENDPOINTS, name, api.ClusterLoadAssignment(cluster_name=name))
        if best is None or best.version in state.refused.get(name, ()) or state.has.get(name) == best.version:
            return None
        if name in state.held and self._snapshot.closes(type_url, name):
            return None  # a good version of a control plane before this one
        return best

    def _waits(self, cluster: str) -> bool:
        """Whether a cluster without endpoints is to be told so: else it would be warming for ever."""
        return cluster in self._types[ENDPOINTS].unanswered or self._snapshot.get(CLUSTER, cluster) is not None

    def _is_gone(self, type_url: str, name: str) -> bool:
        """Whether Envoy must be told that there is no such resource (any more)."""
        state = self._types[type_url]
        if type_url == ENDPOINTS:
            return False  # they go with their cluster
        given_up = type_url == SECRET and name not in state.wanted
        missing = given_up or self._snapshot.get(type_url, name) is None
        return name in state.unanswered or (name in state.has and missing)

    def _is_spared(self, cluster: str) -> bool:
        """Whether the last good version of something refused may lead to a cluster that is gone, and that serves."""
        serves = cluster in self._types[ENDPOINTS].held or not names.has_endpoints(cluster)
        return serves and self._snapshot.refuses(LISTENER, SCOPE)

    def _send(self, type_url: str, made: Sequence[Resource], removed: Sequence[str], now: float) -> Send:
        self._nonce += 1
        if type_url == SCOPE:
            made = [stamped(each, f"{now}/{self._nonce}") for each in made]
        return Send(type_url, tuple(made), tuple(removed), str(self._nonce))

    def _settled(self) -> bool:
        asked = self._types[SCOPE].asked
        return asked and not any(state.busy for state in self._types.values() if state.asked)


def _touched(change: Change, state: Subscription) -> Iterable[str]:
    """The names under which Envoy knows, or should know, what changed."""
    if change.type_url == SECRET:
        return sorted(sni for sni in state.wanted if change.name in patterns(sni))
    known = state.asked if change.type_url in WILDCARD_TYPES else change.name in state.wanted
    return (change.name,) if known else ()
