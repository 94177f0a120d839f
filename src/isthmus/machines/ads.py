"""One delta ADS stream as a state machine without I/O: what Envoy asked for, has, and must be sent next.

Make before break: clusters, then their endpoints, then listeners and scopes; each only when what it points to has
been accepted. Removals of clusters come last. A refused response is halved until the culprit is alone; that one is
quarantined and its last accepted version stays. Specification: the xDS protocol, "Incremental xDS".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from isthmus.machines.snapshot import Snapshot
from isthmus.xds import names
from isthmus.xds.resources import CLUSTER, ENDPOINTS, LISTENER, MAKE_ORDER, SCOPE, SECRET, Change, Resource

WILDCARD_TYPES = frozenset({CLUSTER, LISTENER, SCOPE})
WARMING_SECONDS = 1.0  # how long scopes wait for the endpoints of a new cluster
SINGLES = 8  # up to so many changed resources go one by one, so that a refusal names its culprit at once
_MOST_BYTES = 2 * 1024 * 1024


class Request(Struct, frozen=True):
    """What Envoy said. `error` is the reason of a refusal; `nonce` is empty when nothing is acknowledged."""

    type_url: str
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial_versions: Mapping[str, str] = {}
    nonce: str = ""
    error: str | None = None


class Send(Struct, frozen=True):
    """Send a response."""

    type_url: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]
    nonce: str


class Rejected(Struct, frozen=True):
    """Envoy refused a resource; it is quarantined until it changes."""

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


class _Type:
    """The state of one resource type on the stream."""

    def __init__(self) -> None:
        self.asked = False  # Envoy subscribed
        self.owes_answer = False  # the first request must be answered, with nothing if need be
        self.wanted: set[str] = set()  # names subscribed one by one
        self.has: dict[str, str] = {}  # name -> version that Envoy holds, or is being sent
        self.dirty: dict[str, None] = {}  # names to look at again, in order
        self.absent: dict[str, None] = {}  # asked-for names that do not exist: said once
        self.halves: deque[tuple[str, ...]] = deque()  # parts of a refused response, to be tried alone
        self.flying: Send | None = None

    @property
    def busy(self) -> bool:
        return bool(self.flying or self.halves or self.dirty or self.owes_answer)


class Session:
    """The stream of one Envoy."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._types = {type_url: _Type() for type_url in MAKE_ORDER}
        self._warming: dict[str, float] = {}  # new clusters without endpoints yet -> give up at
        self._nonce = 0
        self._synced = ""

    def request(self, request: Request, now: float) -> tuple[Effect, ...]:
        """Envoy sent something."""
        state = self._types.get(request.type_url)
        if state is None:  # a type that we do not serve: nothing of it exists
            removed = tuple(name for name in request.subscribe if name != "*")
            return (self._send(request.type_url, (), removed),) if removed or not request.nonce else ()
        effects: list[Effect] = []
        if state.flying is not None and request.nonce == state.flying.nonce:
            effects += self._answered(state, state.flying, request.error)
        self._subscribe(request, state)
        return (*effects, *self._pump(now))

    def published(self, changes: Iterable[Change], now: float) -> tuple[Effect, ...]:
        """The snapshot changed."""
        for change in changes:
            state = self._types[change.type_url]
            if change.type_url == ENDPOINTS and change.resource is None:
                continue  # Envoy unsubscribes by itself when the cluster goes
            if change.type_url == SECRET:
                state.dirty |= dict.fromkeys(sorted(state.wanted))
            elif state.asked and (change.type_url in WILDCARD_TYPES or change.name in state.wanted):
                state.dirty[change.name] = None
        return tuple(self._pump(now))

    def tick(self, now: float) -> tuple[Effect, ...]:
        """Time has passed."""
        return tuple(self._pump(now))

    def _subscribe(self, request: Request, state: _Type) -> None:
        wildcard = request.type_url in WILDCARD_TYPES
        state.wanted.difference_update(request.unsubscribe)
        for name in request.unsubscribe:
            state.has.pop(name, None)
            state.dirty.pop(name, None)
        if not state.asked and (wildcard or request.subscribe or not request.nonce):
            state.asked = state.owes_answer = True
            state.has.update(request.initial_versions)
            if wildcard:
                state.dirty |= dict.fromkeys((*self._snapshot.names(request.type_url), *request.initial_versions))
        elif request.initial_versions:
            state.has.update(request.initial_versions)
        asked_for = [name for name in request.subscribe if name != "*"]
        if not wildcard:
            state.wanted.update(asked_for)
            state.dirty |= dict.fromkeys(asked_for)
            for name in asked_for:
                if name not in request.initial_versions:
                    state.has.pop(name, None)  # asked again: Envoy does not have it
        state.absent |= {n: None for n in asked_for if self._best(request.type_url, n) is None}

    def _answered(self, state: _Type, response: Send, error: str | None) -> Iterator[Effect]:
        state.flying = None
        if error is None:
            for resource in response.resources:
                if resource.type_url != SECRET:
                    self._snapshot.accept(resource)
                if resource.type_url == ENDPOINTS:
                    self._warming.pop(resource.name, None)
            return
        for resource in response.resources:
            state.has.pop(resource.name, None)
        found = tuple(resource.name for resource in response.resources)
        if len(found) > 1:
            half = len(found) // 2
            state.halves.extendleft((found[half:], found[:half]))
        for resource in response.resources if len(found) == 1 else ():
            self._warming.pop(resource.name, None)
            if self._snapshot.reject(resource, error):
                yield Rejected(resource.type_url, resource.name, error)
            state.dirty[resource.name] = None  # the last accepted version, if Envoy lost it

    def _pump(self, now: float) -> Iterator[Effect]:
        """Send whatever may be sent now; one response a type is under way at a time."""
        for name in [name for name, until in self._warming.items() if until <= now]:
            del self._warming[name]
        for type_url in MAKE_ORDER:
            state = self._types[type_url]
            if state.asked and state.flying is None and self._may_make(type_url):
                response = self._next(type_url, state)
                if response is not None:
                    state.flying = response
                    if type_url == CLUSTER:
                        self._warm(response.resources, now)
                    yield response
        if self._warming:
            yield WakeAt(min(self._warming.values()))
        elif self._settled() and self._synced != self._snapshot.version:
            self._synced = self._snapshot.version
            yield Synced(self._synced)

    def _may_make(self, type_url: str) -> bool:
        """Whether everything that resources of this type point to has been accepted."""
        if type_url in (LISTENER, SCOPE):
            cluster = self._types[CLUSTER]
            making = any(self._best(CLUSTER, name) is not None for name in cluster.dirty)
            endpoints = self._types[ENDPOINTS]
            return not (self._warming or making or cluster.flying or cluster.halves or endpoints.halves)
        return True

    def _may_break(self, type_url: str) -> bool:
        """Whether nothing points any more to what is to be removed."""
        return type_url not in (CLUSTER, ENDPOINTS) or not self._types[SCOPE].busy

    def _warm(self, made: Sequence[Resource], now: float) -> None:
        held = self._types[ENDPOINTS].has
        for resource in made:
            if resource.name not in held and names.has_endpoints(resource.name):
                self._warming[resource.name] = now + WARMING_SECONDS

    def _next(self, type_url: str, state: _Type) -> Send | None:
        if state.halves:
            return self._response(type_url, state, state.halves.popleft(), ())
        made: list[str] = []
        gone: list[str] = []
        kept: dict[str, None] = {}
        breaking = self._may_break(type_url)
        size = 0
        for name in state.dirty:
            best = self._best(type_url, name)
            if best is None:
                if name in state.has and breaking:
                    gone.append(name)
                elif name in state.has:
                    kept[name] = None
            elif state.has.get(name) != best.version:
                size += len(best.body)
                if size > _MOST_BYTES and made:
                    kept[name] = None
                else:
                    made.append(name)
        state.dirty = kept
        return self._split(type_url, state, made, gone)

    def _split(self, type_url: str, state: _Type, made: list[str], gone: list[str]) -> Send | None:
        """Few changes go one by one; the first answer and large batches go together."""
        absent, state.absent = tuple(state.absent), {}
        if not made and not gone and not absent and not state.owes_answer:
            return None
        if 1 < len(made) <= SINGLES and not state.owes_answer:
            state.dirty = dict.fromkeys(made[1:]) | dict.fromkeys(gone) | state.dirty
            made, gone = made[:1], []
        state.owes_answer = False
        return self._response(type_url, state, made, (*gone, *absent))

    def _response(self, type_url: str, state: _Type, made: Sequence[str], gone: Sequence[str]) -> Send:
        resources = [best for name in made if (best := self._best(type_url, name)) is not None]
        for resource in resources:
            state.has[resource.name] = resource.version
        for name in gone:
            state.has.pop(name, None)
            if type_url == SECRET:
                state.wanted.discard(name)  # Envoy asks again at the next handshake; a flood of names leaves nothing
        return self._send(type_url, tuple(resources), tuple(gone))

    def _send(self, type_url: str, resources: tuple[Resource, ...], removed: tuple[str, ...]) -> Send:
        self._nonce += 1
        return Send(type_url, resources, removed, str(self._nonce))

    def _best(self, type_url: str, name: str) -> Resource | None:
        return self._snapshot.best(type_url, name)

    def _settled(self) -> bool:
        asked = self._types[SCOPE].asked
        return asked and not any(state.busy for state in self._types.values() if state.asked)
