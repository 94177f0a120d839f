"""One host's Ingress objects, translated together into what the HTTP and the HTTPS listener serve for it.

Rules kept from ingress-nginx: the oldest Ingress wins a duplicate path; a host with TLS redirects cleartext with
308; the default backend takes what no other path of the host takes. One bad path spoils only itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from isthmus.dialects.dialect import Claim, Claims, Options, Parts, Translation
from isthmus.dialects.ingress import backends, codes
from isthmus.dialects.ingress import claims as whose
from isthmus.dialects.ingress.annotations import Vocabulary, draft, judge
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx.redirect import FORCE
from isthmus.dialects.ingress.paths import parse_path
from isthmus.dialects.ingress.tls import IngressClaim, host_tls
from isthmus.ir.action import Action, Forward, Redirect, Respond
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route, is_wild
from isthmus.ir.listener import HTTP, HTTPS
from isthmus.ir.match import Match, PathMatch, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Base, Ingress, IngressBackend, ref_of
from isthmus.kube.refs import FieldPath, annotation
from isthmus.kube.store import Lookup

_TLS_ONLY = "this host is served over TLS only: connect with TLS to port {port}"


class IngressDialect:
    """networking.k8s.io/v1 Ingress."""

    kinds: tuple[str, ...] = ("Ingress",)

    def claims(self, obj: Base, look: Lookup, options: Options) -> Claims:
        """Which hosts an Ingress claims."""
        return whose.claims(obj, look, options) if isinstance(obj, Ingress) else Claims()

    def translate(self, host: str, claims: Sequence[Claim], look: Lookup, options: Options) -> Translation:
        """All Ingress objects of one host."""
        report = Report()
        ingresses = sorted(((c.obj, c.parts) for c in claims if isinstance(c.obj, Ingress)), key=_age)
        tls = host_tls(host, ingresses, look, options, report)
        served = _winners(host, ingresses, look, options, report)
        secure = [Route(Match(path), rule.action, rule.origin) for path, rule in served.items()]
        clear = [_in_clear(path, rule, tls.asked, options) for path, rule in served.items()]
        for rule in served.values():
            if rule.draft.force_ssl_redirect and not tls.asked:
                report.add(codes.FORCED_WITHOUT_TLS, rule.origin.ref, annotation(FORCE), annotation=FORCE, host=host)
        # A claimed host is known to both listeners, be it with no route: a wildcard must not answer in its place.
        hosts = [HostConfig(HTTP, host, ordered([*_grpc_in_clear(clear, options), *clear]))]
        if tls.asked or not is_wild(host):
            hosts.append(HostConfig(HTTPS, host, ordered(secure) if tls.asked else ()))
        return Translation(
            hosts=tuple(hosts),
            certificates=tls.certificates,
            certificate_lost=tls.lost,
            services=_services(secure),
            diagnostics=report.all(),
        )


class _Rule(Struct, frozen=True):
    """A path that won: what it does over TLS, and what the annotations said."""

    action: Action
    origin: Origin
    draft: Draft


def _age(claim: IngressClaim) -> tuple[str, str, str]:
    meta = claim[0].metadata
    return (meta.creation_timestamp or "9999", meta.namespace, meta.name)


def _winners(
    host: str, ingresses: Sequence[IngressClaim], look: Lookup, options: Options, report: Report
) -> dict[PathMatch, _Rule]:
    served: dict[PathMatch, _Rule] = {}
    lowerings = [(_lowering(ingress, look, options, report), parts) for ingress, parts in ingresses]
    able = [(lowering, parts) for lowering, parts in lowerings if lowering is not None]
    for lowering, parts in able:
        ref = ref_of(lowering.ingress)
        for path, backend, at in _paths(lowering.ingress, parts, report):
            rule = lowering.rule(backend, at, at / "backend")  # the loser's too: its other mistakes count
            winner = served.setdefault(path, rule)
            if winner is not rule:
                name = winner.origin.ref
                report.add(codes.DUPLICATE_PATH, ref, at, host=host, path=path.path, winner=name)
    for lowering, _ in able:
        # A default backend takes what no path of the host takes; the oldest Ingress that has one wins.
        default = lowering.ingress.spec.default_backend
        if default is not None and SegmentPrefix("/") not in served:
            at = FieldPath(("spec", "defaultBackend"))
            served[SegmentPrefix("/")] = lowering.rule(default, at, at)
    return served


def _paths(ingress: Ingress, parts: Parts, report: Report) -> Iterator[tuple[PathMatch, IngressBackend, FieldPath]]:
    for index in parts.rules:
        rule = ingress.spec.rules[index]
        for at, path in enumerate(rule.http.paths if rule.http else ()):
            place = FieldPath(("spec", "rules", index, "http", "paths", at))
            matched = parse_path(path, ref_of(ingress), place, report)
            if matched is not None:
                yield matched, path.backend, place


class _Lowering(Struct, frozen=True):
    """What all paths of one Ingress share while they are lowered."""

    ingress: Ingress
    vocabulary: Vocabulary
    closed: bool
    look: Lookup
    options: Options
    report: Report

    def rule(self, backend: IngressBackend, at: FieldPath, backend_at: FieldPath) -> _Rule:
        ref = ref_of(self.ingress)
        service = backend.service.name if backend.service else ""
        decided = draft(self.vocabulary, self.ingress, service, self.report, self.look, None)
        place = backends.Place(self.ingress, backend_at)
        action: Action = backends.lower(place, backend, decided, self.look, self.options, self.report)
        if self.closed or decided.closed:
            action = Respond(
                backends.UNAVAILABLE, f"{ref} asks for something that cannot be honoured; see its findings"
            )
        elif isinstance(action, Forward) and not decided.timeouts_set and not action.websocket:
            path = FieldPath(("metadata", "annotations"))
            self.report.add(codes.DEFAULT_TIMEOUT, ref, path, seconds=action.idle_timeout_ms // 1000)
        return _Rule(action, Origin(ref, at), decided)


def _lowering(ingress: Ingress, look: Lookup, options: Options, report: Report) -> _Lowering | None:
    """How an Ingress's paths are lowered; None when it must not be served at all."""
    vocabulary = whose.vocabulary_of(ingress, look)
    closed = judge(vocabulary, whose.VOCABULARIES, ingress, report)
    return _Lowering(ingress, vocabulary, closed, look, options, report)


def _in_clear(path: PathMatch, rule: _Rule, tls: bool, options: Options) -> Route:
    """The same path on the HTTP listener."""
    redirected = rule.draft.force_ssl_redirect or (rule.draft.ssl_redirect and tls)
    action = Redirect(port=options.https_port) if redirected else rule.action
    return Route(Match(path), action, rule.origin)


def _grpc_in_clear(clear: Sequence[Route], options: Options) -> Iterator[Route]:
    """gRPC clients do not follow redirects: tell them in their own protocol, where every path redirects."""
    if clear and all(isinstance(route.action, Redirect) for route in clear):
        first = ordered(clear)[-1]
        said = Respond(403, _TLS_ONLY.format(port=options.https_port))
        yield Route(Match(SegmentPrefix("/"), grpc=True), said, first.origin)


def _services(routes: Sequence[Route]) -> tuple[ServicePortRef, ...]:
    backend = (route.action.backend for route in routes if isinstance(route.action, Forward))
    return tuple(sorted({b.service for b in backend if not b.dns}))
