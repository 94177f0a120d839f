"""What the Ingresses of one host make of its TLS together: certificates of clients, ciphers, passing through.

These are settings of a host, in nginx as here, so the oldest Ingress that says something decides. Rule: where access
is restricted the stricter setting counts, what cannot be merged closes the paths of the loser, and authorities that
cannot be read close the whole host. Whoever is overruled is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.hosts.settled_tls import Settled
from isthmus.dialects.ingress.nginx.passthrough import KEY as PASSTHROUGH
from isthmus.dialects.ingress.tls_asks import ClientAsk, TlsAsk
from isthmus.ir.action import Forward
from isthmus.ir.backend import Backend
from isthmus.ir.guard import ClientCertificates, Guard
from isthmus.ir.host import CATCH_ALL, Origin, Route
from isthmus.ir.listener import HostTls
from isthmus.ir.match import Match, SegmentPrefix
from isthmus.kube.diagnostics import Code, Report
from isthmus.kube.refs import ObjectRef, annotation

Rule = tuple[Route, Draft]  # what a path does over TLS, and what its annotations said
_Asks = Mapping[ObjectRef, TlsAsk]

_STRICTEST = (ClientCertificates.REQUIRED, ClientCertificates.OPTIONAL, ClientCertificates.UNJUDGED, None)


def settle(host: str, rules: Sequence[Rule], has_tls: bool, report: Report) -> Settled:
    """What counts for a host. `rules` are those of older objects first; `has_tls`: it has a certificate, or should."""
    asks = {route.origin.ref: rule.host_tls for route, rule in reversed(rules)}
    asks = {ref: asks[ref] for ref in dict.fromkeys(route.origin.ref for route, _ in rules)}
    if all(ask == _NOTHING for ask in asks.values()):
        return Settled()
    judge = _Judge(host, asks, report)
    if host == CATCH_ALL:
        return judge.nameless()
    passing = judge.passthrough(rules, has_tls)
    if passing is not None:
        return passing
    return judge.terminated(has_tls)


_NOTHING = TlsAsk()


class _Judge(Struct):
    """The Ingresses of one host, the oldest first, and what they ask."""

    host: str
    asks: _Asks
    report: Report

    def nameless(self) -> Settled:
        """A rule for every host: there is no handshake that it could be about."""
        closed: set[ObjectRef] = set()
        for ref, ask in self.asks.items():
            strict = ask.clients is not None and (ask.clients.mode is not None or not ask.clients.authorities)
            for key, asked in (
                (ask.clients.key if ask.clients else "", strict),
                (ask.ciphers_key, bool(ask.ciphers)),
                (PASSTHROUGH, ask.passthrough),
            ):
                if asked:
                    closed.add(ref)
                    self._refuse(
                        ref, key, "it is about a host's handshakes, and the rule names no host", "name the host"
                    )
        return Settled(closed=frozenset(closed))

    def passthrough(self, rules: Sequence[Rule], has_tls: bool) -> Settled | None:
        """Where the object of the path `/` wants its connections passed through; None where it does not."""
        asking = [ref for ref, ask in self.asks.items() if ask.passthrough]
        if not asking:
            return None
        root = next(
            (rule for rule in rules if rule[0].match == Match(SegmentPrefix("/"), turn=rule[0].match.turn)), None
        )
        winner = root[0].origin.ref if root is not None else None
        everybody = frozenset(self.asks)
        if root is None or winner is None or winner not in asking:
            for ref in asking:
                self._refuse(ref, PASSTHROUGH, "connections go to the backend of the host's path /", "ask there")
            return Settled(closed=everybody) if set(asking) == everybody else self._without(asking, has_tls)
        what = _restrictions(rules, winner)
        backend = _passed(root[0])
        if what:
            self._refuse(winner, PASSTHROUGH, f"nobody can check {what} of what is not decrypted", "remove one of them")
        if what or backend is None:
            return Settled(closed=everybody)
        for ref in self.asks:
            if ref != winner:
                self._say(codes.NOT_DECRYPTED, ref, PASSTHROUGH, winner=winner)
        guard = Guard(self.host, ClientCertificates.REQUIRED)  # no chain says that it is this host's: nobody comes in
        return Settled((HostTls(self.host, root[0].origin, passthrough=backend),), guard)

    def _without(self, asking: Sequence[ObjectRef], has_tls: bool) -> Settled:
        """Some of the host's objects are closed; the others are judged on."""
        rest = {ref: ask for ref, ask in self.asks.items() if ref not in asking}
        found = _Judge(self.host, rest, self.report).terminated(has_tls)
        return replace(found, closed=found.closed | frozenset(asking))

    def terminated(self, has_tls: bool) -> Settled:
        """Connections are decrypted here."""
        clients = {ref: ask.clients for ref, ask in self.asks.items() if ask.clients is not None}
        ciphers = self._ciphers()
        if not clients:
            return Settled((ciphers,) if has_tls and _differs(ciphers) else ())
        winner, first = next(iter(clients.items()))
        if not first.authorities:
            return self._all_closed(winner, first, has_tls)
        closed, merged = self._merge(winner, clients)
        subjects = {ref: (clients[ref].subject if ref in clients else "") or first.subject for ref in self.asks}
        if not has_tls and (merged.mode is ClientCertificates.REQUIRED or any(subjects.values())):
            return self._all_closed(winner, first, has_tls)
        if merged.mode is None or not has_tls:
            tls = (ciphers,) if has_tls and _differs(ciphers) else ()
            return Settled(tls, None, closed, {}, replace(merged, mode=None))
        tls = (
            replace(
                ciphers,
                clients=merged.mode,
                authorities=merged.authorities,
                revoked=merged.revoked,
                depth=merged.depth,
            ),
        )
        return Settled(tls, Guard(self.host, merged.mode, merged.error_page), closed, subjects, merged)

    def _all_closed(self, winner: ObjectRef, first: ClientAsk, has_tls: bool) -> Settled:
        """The setting is the host's, so nobody may be let in by the paths of its other objects."""
        if first.authorities and not has_tls:
            why = f"host {self.host} has no certificate, and without TLS nobody can show one"
            self._refuse(winner, first.key, why, "add the host to spec.tls")
        for ref in self.asks:
            if ref != winner:
                self._say(codes.CLOSED_WITH_HOST, ref, first.key, winner=winner)
        return Settled(closed=frozenset(self.asks))

    def _merge(
        self, winner: ObjectRef, clients: Mapping[ObjectRef, ClientAsk]
    ) -> tuple[frozenset[ObjectRef], ClientAsk]:
        """What the oldest object says, as strictly as any of the others; those that cannot be merged are closed."""
        first = clients[winner]
        merged = first
        closed: set[ObjectRef] = set()
        for ref, ask in clients.items():
            same = (ask.authorities, ask.revoked) == (first.authorities, first.revoked)
            if not same or (ask.subject and first.subject and ask.subject != first.subject):
                closed.add(ref)
                if ask.authorities:  # else it has been told already
                    self._say(codes.OTHER_AUTHORITIES, ref, ask.key, winner=winner)
                continue
            mode = min(merged.mode, ask.mode, key=_STRICTEST.index)
            merged = replace(merged, mode=mode, depth=min(merged.depth, ask.depth))
        for ref, ask in clients.items():
            if ref not in closed and (ask.mode, ask.depth) != (merged.mode, merged.depth):
                self._say(codes.OVERRULED_ANNOTATION, ref, ask.key, winner="the stricter of the host's objects")
        return frozenset(closed), merged

    def _ciphers(self) -> HostTls:
        """What the oldest object with a list says."""
        chosen = next(((ref, ask) for ref, ask in self.asks.items() if ask.ciphers or ask.client_order), None)
        if chosen is None:
            return HostTls(self.host, Origin(next(iter(self.asks))))
        winner, first = chosen
        for ref, ask in self.asks.items():
            if ask.ciphers and ask.ciphers != first.ciphers:
                self._say(codes.OVERRULED_ANNOTATION, ref, ask.ciphers_key, winner=winner)
        return HostTls(self.host, Origin(winner), ciphers=first.ciphers, client_order=first.client_order)

    def _refuse(self, ref: ObjectRef, key: str, why: str, instead: str) -> None:
        self.report.add(codes.REFUSED_ANNOTATION, ref, annotation(key), annotation=key, why=why, instead=instead)

    def _say(self, code: Code, ref: ObjectRef, key: str, winner: object) -> None:
        self.report.add(code, ref, annotation(key), annotation=key, host=self.host, winner=winner)


def _differs(tls: HostTls) -> bool:
    return bool(tls.ciphers or tls.client_order)


def _restrictions(rules: Sequence[Rule], ref: ObjectRef) -> str:
    """What the object asks of clients, in words."""
    for route, rule in rules:
        if route.origin.ref == ref:
            policy = rule.policy
            named = {
                "certificates": rule.host_tls.clients is not None,
                "credentials": policy.authorization is not None,
                "source ranges": policy.sources is not None,
                "limits": policy.limits or policy.concurrency is not None,
            }
            return " and ".join(name for name, asked in named.items() if asked)
    return ""


def _passed(route: Route) -> Backend | None:
    """The backend as connections see it: bytes in, bytes out."""
    if not isinstance(route.action, Forward):
        return None
    backend = route.action.backend
    return Backend(
        backend.service, connect_timeout_ms=backend.connect_timeout_ms, dns=backend.dns, address=backend.address
    )
