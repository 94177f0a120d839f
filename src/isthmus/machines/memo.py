"""What to translate again when objects change: exactly the units that read something that changed.

A unit is an object's claims, a host, or a service port's endpoints. Each records what it read from the store,
absent things and the time too; a change makes the readers dirty, and equal output stops there. The result is always
the same as translating everything from scratch.
"""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.dialect import Claim, Claims, Dialect, Options, Translation
from isthmus.dialects.services import resolve
from isthmus.ir.action import Respond
from isthmus.ir.backend import Endpoints, ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.listener import HTTP, HTTPS, Certificate
from isthmus.ir.match import Match, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.kube.diagnostics import Diagnostic, Report
from isthmus.kube.objects import Base, ref_of
from isthmus.kube.refs import ObjectRef
from isthmus.kube.store import Key, Lookup, Store
from isthmus.machines import codes

Unit = ObjectRef | str | ServicePortRef  # claims of an object | a host | endpoints of a service port


class Dirty(Struct, frozen=True):
    """What came out different: hosts with their translation (None: nobody claims it any more), and endpoints."""

    hosts: dict[str, Translation | None]
    endpoints: dict[ServicePortRef, Endpoints | None]
    found: tuple[Diagnostic, ...] = ()
    resolved: tuple[Diagnostic, ...] = ()


class Memo:
    """All translations that are current, and who read what."""

    def __init__(self, store: Store, dialects: Sequence[Dialect], options: Options) -> None:
        self.store = store
        self.options = options
        self.hosts: dict[str, Translation] = {}
        self.endpoints: dict[ServicePortRef, Endpoints] = {}
        self._dialects = dialects
        self._claimed: dict[ObjectRef, Claims] = {}
        self._claims: dict[str, dict[ObjectRef, None]] = {}
        self._names: dict[str, dict[tuple[str, ObjectRef], None]] = {}  # host -> other names of it, and who says so
        self._users: dict[ServicePortRef, int] = {}
        self._reads: dict[Unit, frozenset[Key]] = {}
        self._readers: dict[Key, set[Unit]] = {}
        self._said: dict[Unit, tuple[Diagnostic, ...]] = {}
        self._before: Mapping[str, tuple[Certificate, ...]] = {}
        self._until: dict[str, datetime.datetime] = {}  # hosts that are to be translated again when that time comes
        self._moments: list[tuple[datetime.datetime, str]] = []  # a heap of these, with some that were given up

    def remember(self, certificates: Mapping[str, tuple[Certificate, ...]]) -> None:
        """The last good certificates of hosts, from before a restart."""
        self._before = certificates

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong now, worst first."""
        unique = {diagnostic: None for said in self._said.values() for diagnostic in said}
        return tuple(sorted(unique, key=lambda diagnostic: diagnostic.sort_key))

    def apply(self, upserts: Iterable[Base], deletes: Iterable[ObjectRef] = ()) -> Dirty:
        """Take changes in and bring every unit that they reach up to date."""
        refs, keys = self.store.apply(upserts, deletes)
        dirty: set[Unit] = {unit for key in keys for unit in self._readers.get(key, ())}
        before = {unit: self._said.get(unit, ()) for unit in dirty}
        hosts = {unit for unit in dirty if isinstance(unit, str)} | self._due()
        for ref in sorted({*refs, *(unit for unit in dirty if isinstance(unit, ObjectRef))}):
            before.setdefault(ref, self._said.get(ref, ()))
            hosts |= self._reclaim(ref, changed=ref in refs)
        ports = {unit for unit in dirty if isinstance(unit, ServicePortRef)}
        changed_hosts: dict[str, Translation | None] = {}
        hosts |= {name for host in hosts for name, _ in self._names.get(host, ())}
        for host in sorted(hosts):
            before.setdefault(host, self._said.get(host, ()))
            self._translate(host, changed_hosts, ports)
        changed_endpoints: dict[ServicePortRef, Endpoints | None] = {}
        for port in sorted(ports):
            before.setdefault(port, self._said.get(port, ()))
            self._resolve(port, changed_endpoints)
        return Dirty(changed_hosts, changed_endpoints, *self._news(before))

    def next_moment(self) -> datetime.datetime | None:
        """When something becomes different although no object changes: `apply` is to be called then."""
        while self._moments and self._until.get(self._moments[0][1]) != self._moments[0][0]:
            heapq.heappop(self._moments)
        return self._moments[0][0] if self._moments else None

    def _due(self) -> set[str]:
        due: set[str] = set()
        while (moment := self.next_moment()) is not None and moment <= self.options.now:
            host = self._moments[0][1]
            del self._until[host]
            due.add(host)
        return due

    def _reclaim(self, ref: ObjectRef, changed: bool) -> set[str]:
        """Bring an object's claims up to date; the hosts that must be translated again."""
        obj = self.store.get(ref)
        old = self._claimed.pop(ref, Claims())
        look = Lookup(self.store)
        new = self._ask(obj, look) if obj is not None else Claims()
        self._record(ref, look.reads, new.diagnostics)
        if new.hosts:
            self._claimed[ref] = new
        gone, come = set(old.hosts) - set(new.hosts), set(new.hosts) - set(old.hosts)
        for host in gone:
            self._claims[host].pop(ref, None)
        for host in come:
            self._claims.setdefault(host, {})[ref] = None
        self._rename(ref, old, new)
        moved = {host for host in new.hosts if old.hosts.get(host) != new.hosts[host]}
        return gone | set(new.hosts) if changed else gone | come | moved

    def _rename(self, ref: ObjectRef, old: Claims, new: Claims) -> None:
        """Keep track of which hosts are other names of which."""
        for host, parts in old.hosts.items():
            if parts.of:
                self._names[parts.of].pop((host, ref))
                if not self._names[parts.of]:
                    del self._names[parts.of]
        for host, parts in new.hosts.items():
            if parts.of:
                self._names.setdefault(parts.of, {})[host, ref] = None

    def _ask(self, obj: Base, look: Lookup) -> Claims:
        kind = type(obj).__name__
        found = [each.claims(obj, look, self.options) for each in self._dialects if kind in each.kinds]
        return found[0] if found else Claims()

    def _translate(self, host: str, out: dict[str, Translation | None], ports: set[ServicePortRef]) -> None:
        old = self.hosts.get(host)
        claims = self._claims_of(host)
        others = sorted({claim.parts.of for claim in claims if claim.parts.of})
        claims += [claim for other in others for claim in self._claims_of(other, other)]
        look = Lookup(self.store)
        new: Translation | None = None
        if claims:
            new = self._attempt(host, claims, look, old)
        else:
            self._claims.pop(host, None)
        self._record(host, look.reads, new.diagnostics if new else ())
        self._until.pop(host, None)
        if look.until is not None:
            self._until[host] = look.until
            heapq.heappush(self._moments, (look.until, host))
        slim = replace(new, diagnostics=()) if new else None
        if slim == old:
            return
        ports |= self._count(slim, +1)
        ports |= self._count(old, -1)
        if slim is None:
            del self.hosts[host]
        else:
            self.hosts[host] = slim
        out[host] = slim

    def _claims_of(self, host: str, other: str = "") -> list[Claim]:
        return [
            Claim(obj, self._claimed[ref].hosts[host], other)
            for ref in sorted(self._claims.get(host, ()))
            if (obj := self.store.get(ref)) is not None
        ]

    def _attempt(self, host: str, claims: Sequence[Claim], look: Lookup, old: Translation | None) -> Translation:
        try:
            new = _merge([self._part(each, host, claims, look) for each in self._dialects])
        except Exception as error:  # noqa: BLE001 - a bug of ours must cost this host only, and be said
            report = Report()
            ref = ref_of(claims[0].obj)
            report.add(codes.INTERNAL, ref, host=host, error=repr(error))
            return replace(old or _closed(host, ref), diagnostics=report.all())
        if new.certificate_lost:
            good = old.certificates if old is not None else self._before.get(host, ())
            kept = {certificate.host: certificate for certificate in (*good, *new.certificates)}
            return replace(new, certificates=tuple(kept.values()))
        return new

    def _part(self, dialect: Dialect, host: str, claims: Sequence[Claim], look: Lookup) -> Translation:
        own = [claim for claim in claims if type(claim.obj).__name__ in dialect.kinds]
        return dialect.translate(host, own, look, self.options) if own else Translation()

    def _count(self, translation: Translation | None, by: int) -> set[ServicePortRef]:
        """Keep count of a service port's users; those that begin or cease to be used."""
        changed: set[ServicePortRef] = set()
        for port in translation.services if translation else ():
            count = self._users.get(port, 0) + by
            if count == 0 or (count == 1 and by > 0):
                changed.add(port)
            self._users[port] = count
        return changed

    def _resolve(self, port: ServicePortRef, out: dict[ServicePortRef, Endpoints | None]) -> None:
        old = self.endpoints.get(port)
        look = Lookup(self.store)
        new: Endpoints | None = None
        said: tuple[Diagnostic, ...] = ()
        if self._users.get(port, 0) > 0:
            new, said = resolve(port, look)
        self._record(port, look.reads, said)
        if new == old:
            return
        if new is None:
            del self.endpoints[port]
            self._users.pop(port, None)
        else:
            self.endpoints[port] = new
        out[port] = new

    def _record(self, unit: Unit, reads: Iterable[Key], said: tuple[Diagnostic, ...]) -> None:
        new = frozenset(reads)
        old = self._reads.pop(unit, frozenset())
        for key in old - new:
            self._readers[key].discard(unit)
            if not self._readers[key]:
                del self._readers[key]
        for key in new - old:
            self._readers.setdefault(key, set()).add(unit)
        if new:
            self._reads[unit] = new
        if said:
            self._said[unit] = said
        else:
            self._said.pop(unit, None)

    def _news(
        self, before: dict[Unit, tuple[Diagnostic, ...]]
    ) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
        old = {diagnostic: None for said in before.values() for diagnostic in said}
        new = {diagnostic: None for unit in before for diagnostic in self._said.get(unit, ())}
        by_severity: Callable[[Diagnostic], object] = lambda diagnostic: diagnostic.sort_key  # noqa: E731
        found = sorted((d for d in new if d not in old), key=by_severity)  # type: ignore[arg-type]
        resolved = sorted((d for d in old if d not in new), key=by_severity)  # type: ignore[arg-type]
        return tuple(found), tuple(resolved)


def _closed(host: str, ref: ObjectRef) -> Translation:
    """A host that could not be translated at all must not fall to the wildcard hosts."""
    why = Respond(503, "this host could not be translated, and there is no earlier version")
    route = Route(Match(SegmentPrefix("/")), why, Origin(ref))
    return Translation(hosts=tuple(HostConfig(listener, host, (route,)) for listener in (HTTP, HTTPS)))


def _merge(parts: Sequence[Translation]) -> Translation:
    """Several dialects on one host: the first that claims a path keeps it."""
    parts = [part for part in parts if part != Translation()]
    if len(parts) <= 1:
        return parts[0] if parts else Translation()
    merged: dict[tuple[str, str], HostConfig] = {}
    for config in (config for part in parts for config in part.hosts):
        earlier = merged.get((config.listener, config.host))
        taken = {route.match for route in earlier.routes} if earlier else set()
        guard = earlier.guard or config.guard if earlier else config.guard
        routes = (*(earlier.routes if earlier else ()), *(r for r in config.routes if r.match not in taken))
        merged[config.listener, config.host] = replace(config, routes=ordered(routes), guard=guard)
    return Translation(
        hosts=tuple(merged.values()),
        certificates=tuple({c.host: c for part in reversed(parts) for c in part.certificates}.values()),
        certificate_lost=any(part.certificate_lost for part in parts),
        tls=tuple({each.host: each for part in reversed(parts) for each in part.tls}.values()),
        services=tuple(sorted({service for part in parts for service in part.services})),
        diagnostics=tuple(d for part in parts for d in part.diagnostics),
    )
