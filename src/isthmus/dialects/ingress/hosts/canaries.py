"""Canaries: Ingresses that take a part of what another one with the same host, path and pathType gets.

A header decides before a cookie, a cookie before weights. Several canaries may share a path: words of the older one
come first, weights add up. Where the main keeps clients by a cookie, what a client got once comes before all of it.
Rule: a canary alone serves nothing, and one that is stricter than its main gets nothing. Source: ingress-nginx,
mergeAlternativeBackends; its balancer, route_to_alternative_balancer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Canary, Draft
from isthmus.dialects.ingress.hosts import host_codes as codes
from isthmus.dialects.ingress.hosts.lowering import Lowering
from isthmus.dialects.ingress.hosts.reading import Candidate, candidates
from isthmus.dialects.ingress.hosts.rules import Rule, Scene, Where
from isthmus.dialects.ingress.nginx.canary import COUNTS_ON_CANARY
from isthmus.ir.action import Forward, Split
from isthmus.ir.match import Condition, PathMatch, SegmentPrefix
from isthmus.kube.objects import Ingress, IngressBackend, ref_of
from isthmus.kube.refs import FieldPath, annotation

_NOWHERE = SegmentPrefix("/")  # the main's path takes its place
_PARTS = 1_000_000  # what weights of several canaries are counted in
Mains = Mapping[tuple[str, str], tuple[Rule, Lowering]]  # by path and pathType as they are written


class _Taker(NamedTuple):
    """A canary of one path, ready to take its part."""

    canary: Canary
    forward: Forward


def with_canaries(rules: Iterable[Rule], mains: Mains, canaries: Sequence[Lowering], scene: Scene) -> list[Rule]:
    """The rules of a host, those that have canaries split up."""
    takers: dict[PathMatch, list[_Taker]] = {}
    for each, place in _asked(canaries):
        main = mains.get((each.written, each.kind))
        if main is None:
            ref, host = ref_of(place.lowering.ingress), scene.host
            scene.report.add(codes.CANARY_ALONE, ref, each.at, host=host, path=each.written)
            continue
        taker = _taker(place, each, main, scene)
        if taker is not None:
            takers.setdefault(main[0].path, []).append(taker)
    return [part for rule in rules for part in _split(rule, takers.get(rule.path, ()))]


class _Place(NamedTuple):
    lowering: Lowering
    backend: IngressBackend


def _asked(canaries: Sequence[Lowering]) -> Iterator[tuple[Where, _Place]]:
    for each in candidates(canaries):
        yield _where(each), _Place(each.lowering, each.rule.backend)
    for lowering in canaries:
        backend = lowering.ingress.spec.default_backend
        if backend is not None:
            at = FieldPath(("spec", "defaultBackend"))
            yield Where(_NOWHERE, "/", "", at, at), _Place(lowering, backend)


def _where(each: Candidate) -> Where:
    return Where(_NOWHERE, each.written, each.rule.path_type, each.at, each.at / "backend")


def _taker(place: _Place, where: Where, main: tuple[Rule, Lowering], scene: Scene) -> _Taker | None:
    rule, owner = main
    lowering = place.lowering
    own = lowering.draft(place.backend.service.name if place.backend.service else "")
    stricter = _is_stricter(lowering, owner.ingress, scene)
    if own.canary is None or own.closed or lowering.closed or stricter:
        return None
    merged = _merged(rule.draft, own, own.canary)
    found = lowering.rule(where._replace(path=rule.path, written=rule.written), place.backend, merged)
    return _Taker(own.canary, found.action) if isinstance(found.action, Forward) else None


def _merged(main: Draft, own: Draft, canary: Canary) -> Draft:
    """The main's draft, with the canary's own way to choose an endpoint."""
    session = main.session if canary.sticky else None
    return replace(
        main,
        service=own.service,
        cluster_ip=own.cluster_ip,
        session=session,
        balance=main.balance if session is not None else own.balance,
        hash_key=() if session is not None else own.hash_key,
        fallback=None,
    )


def _is_stricter(lowering: Lowering, main: Ingress, scene: Scene) -> bool:
    """Whether a canary asks for a restriction that its main does not; what else does not count is said too."""
    ref, name = ref_of(lowering.ingress), ref_of(main)
    given, mains = lowering.ingress.metadata.annotations, main.metadata.annotations
    ignored: list[str] = []
    stricter = False
    for key, value in given.items():
        if not lowering.vocabulary.owns(key) or key in COUNTS_ON_CANARY or value == mains.get(key):
            continue
        if lowering.vocabulary.restricts(key) and not lowering.vocabulary.is_harmless(key, value):
            scene.report.add(codes.CANARY_STRICTER, ref, annotation(key), annotation=key, main=name)
            stricter = True
        else:
            ignored.append(key)
    if ignored:
        at = FieldPath(("metadata", "annotations"))
        names = ", ".join(sorted(key.partition("/")[2] for key in ignored))
        scene.report.add(codes.CANARY_IGNORED, ref, at, annotations=names, main=name)
    return stricter


def _split(rule: Rule, takers: Sequence[_Taker]) -> Iterator[Rule]:
    if not takers or not isinstance(rule.action, Forward):
        yield rule
        return
    chosen = [*_stays(rule.action, takers), *_told(rule.action, takers)]
    for turn, (condition, action) in enumerate(chosen):
        yield replace(rule, action=action, conditions=(condition,), turn=turn)
    yield replace(rule, action=_weighed(rule.action, takers), turn=len(chosen))


def _stays(main: Forward, takers: Sequence[_Taker]) -> Iterator[tuple[Condition, Forward]]:
    """Who got the main or a canary once stays there, as long as the cookie of the main's affinity does."""
    if main.session is not None:
        sides = {_mark(each): each for each in reversed((main, *(each.forward for each in takers))) if each.session}
        for mark, action in reversed(sides.items()):
            yield Condition("cookie", main.session.side, mark), action


def _told(main: Forward, takers: Sequence[_Taker]) -> Iterator[tuple[Condition, Forward]]:
    """Who is told by a header or cookie where to go."""
    for source in ("header", "cookie"):
        for taker in takers:
            for word in taker.canary.words:
                if word.condition.source == source:
                    rest = [each for each in takers if each is not taker]
                    action = _marked(taker.forward) if word.takes else _weighed(main, rest)
                    yield word.condition, action


def _mark(action: Forward) -> str:
    """What the cookie says of a backend; nothing where there is no affinity that would keep a client there."""
    service = action.backend.service
    named = f"{service.namespace}/{service.service}/{service.port}"
    return hashlib.sha256(named.encode()).hexdigest()[:16] if action.session is not None else ""


def _marked(action: Forward) -> Forward:
    return replace(action, mark=_mark(action))


def _weighed(main: Forward, takers: Sequence[_Taker]) -> Forward:
    """What no word decides about, by weight; the main gets what is left."""
    left = _PARTS
    splits: list[Split] = []
    for canary, forward in takers:
        weight = min(left, canary.weight * _PARTS // canary.total)
        if weight:
            splits.append(Split(forward.backend, weight, _mark(forward)))
            left -= weight
    if not splits:
        return _marked(main)
    unit = math.gcd(left, *(each.weight for each in splits))
    shares = tuple(replace(each, weight=each.weight // unit) for each in splits)
    return replace(_marked(main), splits=shares, weight=left // unit)
