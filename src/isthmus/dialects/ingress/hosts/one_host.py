"""All that Ingress objects say about one host: masters merged, canaries set aside, TLS settled, routes made.

A host without rules of its own may be another name of one that has some. Rule: what is about the whole host is said
by main Ingresses, the oldest first; a canary says nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from isthmus.dialects.dialect import Claim, Translation
from isthmus.dialects.ingress import claims as whose
from isthmus.dialects.ingress import codes, nginx_org
from isthmus.dialects.ingress.hosts import host_codes
from isthmus.dialects.ingress.hosts.canaries import with_canaries
from isthmus.dialects.ingress.hosts.host_tls import settle
from isthmus.dialects.ingress.hosts.lowering import Lowering
from isthmus.dialects.ingress.hosts.per_listener import elsewhere, in_clear, over_tls, told_in_grpc
from isthmus.dialects.ingress.hosts.rules import Rule, Scene
from isthmus.dialects.ingress.hosts.settled_tls import Settled
from isthmus.dialects.ingress.hosts.tls import HostTls, host_tls
from isthmus.dialects.ingress.hosts.winners import winners
from isthmus.dialects.ingress.nginx.redirect import FORCE
from isthmus.dialects.ingress.nginx.server_alias import ALIAS
from isthmus.dialects.ingress.nginx.www import WWW
from isthmus.dialects.ingress.nginx_org.mergeable import Member, merge
from isthmus.ir.action import Respond
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route, is_wild
from isthmus.ir.listener import HTTP, HTTPS
from isthmus.ir.match import Exact, Match
from isthmus.ir.order import ordered
from isthmus.kube.objects import Ingress, ref_of
from isthmus.kube.refs import annotation


def translate_host(claims: Sequence[Claim], scene: Scene) -> Translation:
    """What a host serves, by the claims of it and of the hosts that it may be another name of."""
    own = _lowerings((claim for claim in claims if not claim.other and not claim.parts.of), scene)
    names = _members(claim for claim in claims if not claim.other and claim.parts.of)
    mains = [each for each in own if each.any_draft().canary is None]
    if not mains and names:
        return _by_another_name(names, claims, scene)
    for member in names if mains else ():
        _tell_taken(member, mains[0].ingress, scene)
    return _translate(own, scene)


def _members(claims: Iterable[Claim]) -> list[Member]:
    """Oldest first."""
    found = [Member(claim.obj, claim.parts) for claim in claims if isinstance(claim.obj, Ingress)]
    return sorted(found, key=lambda member: _age(member.ingress))


def _age(ingress: Ingress) -> tuple[str, str, str]:
    meta = ingress.metadata
    return (meta.creation_timestamp or "9999", meta.namespace, meta.name)


def _lowerings(claims: Iterable[Claim], scene: Scene) -> list[Lowering]:
    def ours(ingress: Ingress) -> bool:
        return whose.vocabulary_of(ingress, scene.look) is nginx_org.VOCABULARY

    return [Lowering(member, scene) for member in merge(scene.host, _members(claims), ours, scene.report)]


def _by_another_name(names: Sequence[Member], claims: Sequence[Claim], scene: Scene) -> Translation:
    """An alias serves what the other host does; failing that, the name redirects there."""
    chosen = next((each for each in names if not each.parts.redirects), names[0])
    for member in names:
        if (member.parts.of, member.parts.redirects) != (chosen.parts.of, chosen.parts.redirects):
            _tell_taken(member, chosen.ingress, scene)
    target = _lowerings((each for each in claims if each.other == chosen.parts.of and not each.parts.of), scene)
    return _to(chosen, target, scene) if chosen.parts.redirects else _translate(target, scene)


def _tell_taken(member: Member, winner: Ingress, scene: Scene) -> None:
    key = WWW if member.parts.redirects else ALIAS
    args = {"annotation": key, "host": scene.host, "winner": ref_of(winner)}
    scene.report.add(host_codes.NAME_TAKEN, ref_of(member.ingress), annotation(key), **args)


def _to(chosen: Member, target: Sequence[Lowering], scene: Scene) -> Translation:
    """Everything is sent to the other host."""
    tls = _tls(target, scene)
    draft = Lowering(chosen, scene).any_draft()
    origin = Origin(ref_of(chosen.ingress), annotation(WWW))
    clear, secure = elsewhere(chosen.parts.of, origin, draft.redirect_status, scene.options, draft.hsts)
    hosts = (
        HostConfig(HTTP, scene.host, (clear,)),
        HostConfig(HTTPS, scene.host, (secure,) if tls.asked else ()),
    )
    return Translation(hosts, tls.certificates, tls.lost, diagnostics=scene.report.all())


def _translate(lowerings: Sequence[Lowering], scene: Scene) -> Translation:
    mains = [each for each in lowerings if each.any_draft().canary is None]
    canaries = [each for each in lowerings if each.any_draft().canary is not None]
    owners = {ref_of(each.ingress): each for each in mains}
    tls = _tls(mains, scene)
    rules = winners(mains, scene)
    by_words = {(rule.written, rule.kind): (rule, owners[rule.origin.ref]) for rule in reversed(rules)}
    rules = with_canaries(rules, by_words, canaries, scene)
    if not mains:
        return Translation(diagnostics=scene.report.all())  # a wildcard may answer in its place
    _tell_forced(rules, tls, scene)
    secure = over_tls(rules, scene.options)
    settled = _settle(rules, secure, mains, tls, scene)
    secure = settled.over_tls(secure)
    clear = settled.in_clear(in_clear(rules, tls.asked, scene.options), scene.options.https_port)
    # A claimed host is known to both listeners, be it with no route: a wildcard must not answer in its place.
    hosts = [HostConfig(HTTP, scene.host, told_in_grpc(clear, scene.options))]
    if tls.asked or not is_wild(scene.host):
        hosts.append(HostConfig(HTTPS, scene.host, ordered(secure) if tls.asked else (), settled.guard))
    return Translation(
        hosts=tuple(hosts),
        certificates=tls.certificates,
        certificate_lost=tls.lost,
        tls=settled.tls,
        services=_services([*secure, *clear], settled),
        diagnostics=scene.report.all(),
    )


def _tls(lowerings: Iterable[Lowering], scene: Scene) -> HostTls:
    claims = [(each.ingress, each.parts) for each in lowerings]
    return host_tls(scene.host, claims, scene.look, scene.options, scene.report)


def _settle(
    rules: Sequence[Rule], routes: Sequence[Route], mains: Sequence[Lowering], tls: HostTls, scene: Scene
) -> Settled:
    """What counts about the host's TLS. Objects that have lost all their paths are heard too."""
    asked = [(route, rule.draft) for route, rule in zip(routes, rules, strict=True)]
    heard = {rule.origin.ref for rule in rules}
    for each in mains:
        ref = ref_of(each.ingress)
        if ref not in heard:
            asked.append((Route(Match(Exact("/")), Respond(503, ""), Origin(ref)), each.any_draft()))
    return settle(scene.host, asked, tls.asked, scene.report)


def _tell_forced(rules: Iterable[Rule], tls: HostTls, scene: Scene) -> None:
    for rule in rules if not tls.asked else ():
        if rule.draft.force_ssl_redirect:
            at, args = annotation(FORCE), {"annotation": FORCE, "host": scene.host}
            scene.report.add(codes.FORCED_WITHOUT_TLS, rule.origin.ref, at, **args)


def _services(routes: Iterable[Route], settled: Settled) -> tuple[ServicePortRef, ...]:
    backends = (backend for route in routes for backend in route.backends)
    found = {each.service for each in backends if not each.dns and not each.address}
    return tuple(sorted(found | set(settled.services)))
