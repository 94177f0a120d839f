"""Which rule has which path of a host: the oldest one, and what beside paths takes requests of the host.

Rule: every loser is told, and what a loser says about itself is still judged. Knows ingress-nginx's habits: a path
that ends in a slash is redirected to, the root may be somewhere else, a default backend takes the rest.
Source: ingress-nginx, getBackendServers, updateServerLocations; nginx, location.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from isthmus import quirks
from isthmus.dialects.ingress import annotation_codes, codes
from isthmus.dialects.ingress.hosts import host_codes
from isthmus.dialects.ingress.hosts.lowering import Lowering, on_the_way
from isthmus.dialects.ingress.hosts.paths import EXACT, Closed
from isthmus.dialects.ingress.hosts.reading import Candidate, Reading, candidates
from isthmus.dialects.ingress.hosts.rules import Rule, Scene, Where
from isthmus.dialects.ingress.hosts.stricter import stricter
from isthmus.ir.action import Forward, Respond, SendTo
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import Origin
from isthmus.ir.match import Condition, Exact, PathMatch, SegmentPrefix
from isthmus.ir.template import Of, Template, Variable
from isthmus.kube.objects import ref_of
from isthmus.kube.refs import FieldPath, annotation

_QUERY: Template = (Variable(Of.QUERY_MARK), Variable(Of.QUERY))
_ROOT = Exact("/")
_EVERYTHING = SegmentPrefix("/")


def winners(lowerings: Sequence[Lowering], scene: Scene) -> list[Rule]:
    """What the paths of a host do, those of the oldest Ingress first, as Ingresses come."""
    found = candidates(lowerings)
    reading = Reading(found, scene)
    served: dict[PathMatch, Rule] = {}
    for each in found:
        path = reading.read(each)
        if path is None:
            continue
        rule = _rule(each, path)
        winner = served.setdefault(rule.path, rule)
        if winner is not rule:
            ref, name = ref_of(each.lowering.ingress), winner.origin.ref
            scene.report.add(codes.DUPLICATE_PATH, ref, each.at, host=scene.host, path=each.written, winner=name)
            served[rule.path] = stricter(winner, rule)
            if served[rule.path] != winner:
                code = host_codes.PATH_CLOSED if served[rule.path].closed else host_codes.PATH_STRICTER
                scene.report.add(code, name, winner.origin.path, host=scene.host, path=winner.written, other=ref)
    _sign_ins(lowerings, served, scene)
    _default(lowerings, served)
    rules = list(served.values())
    if not reading.regex and quirks.SLASH_REDIRECT not in scene.options.without:
        rules += _slashes(found, served)
    root = _root(lowerings, scene)
    return rules if root is None else [*(rule for rule in rules if rule.path != _ROOT), root]


def _rule(each: Candidate, path: PathMatch | Closed) -> Rule:
    backend = each.rule.backend
    where = Where(_EVERYTHING, each.written, each.rule.path_type, each.at, each.at / "backend")
    if not isinstance(path, Closed):
        return each.lowering.rule(where._replace(path=path), backend)
    decided = replace(each.lowering.any_draft(), closed=True, rewrite=None, new_path="")
    return each.lowering.rule(where._replace(path=path.path), backend, decided)


def _default(lowerings: Iterable[Lowering], served: dict[PathMatch, Rule]) -> None:
    """A default backend takes what no path of the host takes; the oldest Ingress that has one wins."""
    for lowering in lowerings:
        backend = lowering.ingress.spec.default_backend
        if backend is not None and _EVERYTHING not in served:
            at = FieldPath(("spec", "defaultBackend"))
            served[_EVERYTHING] = lowering.rule(Where(_EVERYTHING, "/", "", at, at), backend)


def _sign_ins(lowerings: Iterable[Lowering], served: dict[PathMatch, Rule], scene: Scene) -> None:
    """Where people sign in for an Ingress's paths, unless an Ingress says itself what is there; the oldest wins."""
    for lowering in lowerings:
        rule = lowering.signing_in()
        if rule is None:
            continue
        winner = served.setdefault(rule.path, rule)
        if _services_of(winner) != _services_of(rule):
            args = {"annotation": rule.origin.path.steps[-1], "host": scene.host, "winner": winner.origin.ref}
            scene.report.add(annotation_codes.OVERRULED_ANNOTATION, rule.origin.ref, rule.origin.path, **args)


def _services_of(rule: Rule) -> set[ServicePortRef]:
    return {backend.service for backend in rule.action.backends} if isinstance(rule.action, Forward) else set()


def _slashes(found: Iterable[Candidate], served: Mapping[PathMatch, Rule]) -> Iterator[Rule]:
    """Requests for /x are sent to /x/ where only that is a path, as nginx does before it looks at anything else."""
    written = {each.written for each in found}
    ours = {ref_of(each.lowering.ingress) for each in found if each.lowering.is_ingress_nginx}
    for rule in served.values():
        bare = rule.written.rstrip("/")
        if rule.kind in ("", EXACT) or not bare or rule.written != f"{bare}/" or bare in written:
            continue
        if isinstance(rule.action, Respond) or rule.origin.ref not in ours:
            continue
        start: Template = () if rule.draft.relative else (Variable(Of.ORIGIN),)
        sent = replace(rule, path=Exact(bare), policy=on_the_way(rule.policy))
        plain = Condition("header", ":path", bare)
        yield replace(sent, action=SendTo((*start, rule.written), 301), conditions=(plain,))
        yield replace(sent, action=SendTo((*start, rule.written, *_QUERY), 301), turn=1)


def _root(lowerings: Iterable[Lowering], scene: Scene) -> Rule | None:
    """Requests for / are sent to the app-root of the oldest Ingress that has one."""
    rooted = [each for each in lowerings if each.any_draft().app_root and each.parts.rules]
    if not rooted:
        return None
    winner = ref_of(rooted[0].ingress)
    draft = rooted[0].any_draft()
    for each in rooted[1:]:
        if each.any_draft().app_root != draft.app_root:
            key = f"{each.vocabulary.prefixes[0]}app-root"
            args = {"annotation": key, "host": scene.host, "winner": winner}
            scene.report.add(annotation_codes.OVERRULED_ANNOTATION, ref_of(each.ingress), annotation(key), **args)
    origin = Origin(winner, annotation(f"{rooted[0].vocabulary.prefixes[0]}app-root"))
    return Rule(_ROOT, SendTo((Variable(Of.ORIGIN), draft.app_root), 302), origin, draft, on_the_way(draft.policy))
