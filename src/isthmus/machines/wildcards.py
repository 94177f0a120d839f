"""Which version of each wildcard host of a listener is served: its newest, or the last one that Envoy accepted.

They share one scope, so Envoy's refusal names none of them. Where it refuses, the hosts that differ from what it
accepted are tried by halves, the others as they were accepted, until each one that is refused alone is known: that one
stays behind until it changes. A host without an accepted version is closed. Rule: as long as nothing is refused, the
scope is all hosts at their newest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from isthmus.ir.authorization import Authorization, digest
from isthmus.ir.host import CATCH_ALL, HostConfig
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.standing import Standing, Version
from isthmus.xds import names
from isthmus.xds.closed import closed
from isthmus.xds.resources import SCOPE, Change
from isthmus.xds.routes import emit_wild

_MOST_UNJUDGED = 8  # scopes on their way of which it is known what they hold


class Judged(NamedTuple):
    """What Envoy's answer leads to: a scope to send next, hosts of which something else is known, and the refused.

    `blamed` are those of the hosts that were refused now.
    """

    changes: tuple[Change, ...] = ()
    standings: tuple[Standing, ...] = ()
    blamed: tuple[Standing, ...] = ()


class _Sent(NamedTuple):
    version: str  # of the scope
    hosts: dict[str, Version]  # without those that are closed in it


class Wildcards:
    """The wildcard hosts of all listeners. `secret` is the gateway's own."""

    def __init__(self, listeners: Iterable[str], secret: str) -> None:
        self._scopes = {listener: _Scope(listener, secret) for listener in listeners}

    def recall(self, standings: Iterable[Standing]) -> None:
        """What a control plane before this one knew of hosts."""
        for each in standings:
            if each.listener in self._scopes:
                self._scopes[each.listener].recall(each)

    def put(self, listener: str, host: str, version: Version | None) -> None:
        """A host is new, came out different or (None) is gone."""
        self._scopes[listener].put(host, version)

    def emit(self, listeners: Iterable[str]) -> list[Change]:
        """The scopes of listeners some of whose hosts came out different."""
        return [self._scopes[listener].emit() for listener in sorted(listeners)]

    def judged(self, snapshot: Snapshot) -> Judged:
        """Look whether Envoy has said something of what it was sent."""
        parts = [scope.judged(snapshot) for scope in self._scopes.values()]
        return Judged(*(tuple(chain.from_iterable(each)) for each in zip(*parts, strict=True)))

    def newest(self, listener: str) -> list[HostConfig]:
        """All hosts of a listener as they should be."""
        return [each.config for each in self._scopes[listener].newest.values()] if listener in self._scopes else []

    def standings(self) -> tuple[Standing, ...]:
        """All that is known."""
        return tuple(each for scope in self._scopes.values() for each in scope.standings())

    def policies(self) -> dict[str, Authorization]:
        """The authorization helper's, of earlier versions that are served in place of newer ones, by their digests."""
        routes = (route for scope in self._scopes.values() for config in scope.kept() for route in config.routes)
        found = (route.policy.authorization for route in routes)
        return {digest(each): each for each in found if each is not None and each.needs_helper}


class _Scope:
    """The wildcard hosts of a listener."""

    def __init__(self, listener: str, secret: str) -> None:
        self._listener = listener
        self._secret = secret
        self._name = names.scope(listener, CATCH_ALL)
        self.newest: dict[str, Version] = {}
        self._good: dict[str, Version] = {}
        self._bad: dict[str, Standing] = {}
        self._later: deque[tuple[str, ...]] = deque()  # suspects, in the groups in which they are to be tried
        self._sent: deque[_Sent] = deque(maxlen=_MOST_UNJUDGED)
        self._waits = False  # for what Envoy says of the last one sent

    def recall(self, standing: Standing) -> None:
        """What a control plane before this one knew of a host."""
        if standing.good is not None:
            self._good[standing.host] = standing.good
        if standing.bad is not None:
            self._bad[standing.host] = standing

    def put(self, host: str, version: Version | None) -> None:
        """A host is new, came out different or (None) is gone."""
        refused = self._bad.get(host)
        if refused is not None and refused.bad != version:
            del self._bad[host]
        if version is not None:
            self.newest[host] = version
            return
        self.newest.pop(host, None)
        self._good.pop(host, None)
        for each in self._sent:
            each.hosts.pop(host, None)

    def kept(self) -> list[HostConfig]:
        """The earlier versions that are served in place of newer ones."""
        return [self._good[host].config for host in self._behind() if host in self._good]

    def standings(self) -> tuple[Standing, ...]:
        """All that is known."""
        return self._standings({*self._good, *self._bad} & self.newest.keys())

    def emit(self) -> Change:
        """The scope that is to be sent now."""
        behind = self._behind()
        hosts = {host: each for host, each in self.newest.items() if host not in behind}
        hosts |= {host: self._good[host] for host in behind if host in self._good}
        configs = [each.config for each in hosts.values()]
        configs += [closed(self._listener, host) for host in behind if host not in self._good]
        planned = {host: dict(each.planned) for host, each in hosts.items() if each.planned}
        made = emit_wild(self._listener, configs, planned, self._secret)
        self._sent.append(_Sent(made.version, hosts))
        self._waits = True
        return Change(SCOPE, made.name, made, partial=bool(behind))

    def judged(self, snapshot: Snapshot) -> Judged:
        """Look whether Envoy has said something of what it was sent."""
        accepted, refusal = snapshot.accepted(SCOPE, self._name), snapshot.rejected.get((SCOPE, self._name))
        known: set[str] = set()
        while any(each.version == accepted for each in self._sent):
            sent = self._sent.popleft()
            if sent.version == accepted:
                known |= {host for host, each in sent.hosts.items() if self._good.get(host) is not each}
                self._good = dict(sent.hosts)
        if not self._waits:
            return Judged((), self._standings(known))
        if not self._sent:
            return Judged(self._go_on(), self._standings(known))
        if refusal is None or refusal.version != self._sent[-1].version:
            return Judged((), self._standings(known))
        blamed = self._refused(self._sent.pop().hosts, refusal.message)
        # What was accepted before and is refused now is nobody's fault: the last scope stays, and all hear of it.
        changes = self._go_on(again=any(each.host in self._bad for each in blamed))
        return Judged(changes, self._standings({*known, *(each.host for each in blamed)}), blamed)

    def _refused(self, hosts: Mapping[str, Version], message: str) -> tuple[Standing, ...]:
        """Envoy refused these together; the culprit, if it is known now."""
        suspects = sorted(host for host, each in hosts.items() if self._good.get(host) != each)
        if len(suspects) > 1:
            half = len(suspects) // 2
            self._later.extendleft((tuple(suspects[half:]), tuple(suspects[:half])))
            return ()
        blamed = [Standing(self._listener, host, None, hosts[host], message) for host in suspects or hosts]
        self._bad |= {each.host: each for each in blamed if suspects}
        return tuple(blamed)

    def _go_on(self, again: bool = False) -> tuple[Change, ...]:
        """The next scope to try, with suspects if there are any left."""
        self._waits = False
        while self._later and not (again := any(map(self._is_new, self._later.popleft()))):
            pass
        return (self.emit(),) if again else ()

    def _is_new(self, host: str) -> bool:
        return host in self.newest and host not in self._bad and self.newest[host] != self._good.get(host)

    def _behind(self) -> dict[str, None]:
        """The hosts that are not to be tried now."""
        if not self._later and not self._bad:
            return {}
        waiting = {host for group in self._later for host in group}
        return {host: None for host in self.newest if host in waiting or host in self._bad}

    def _standings(self, hosts: Iterable[str]) -> tuple[Standing, ...]:
        found = (self._bad.get(host, Standing(self._listener, host)) for host in sorted(hosts))
        return tuple(replace(each, good=self._good.get(each.host)) for each in found)
