"""How the paths of a host are read: by their types, or as regular expressions.

One Ingress with use-regex or rewrite-target makes expressions of all paths of the host, those of other Ingresses too.
Source: ingress-nginx, enforceRegexModifier, needsRewrite, buildLocation, updateServerLocations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from isthmus import quirks
from isthmus.dialects.ingress.draft import PathKind
from isthmus.dialects.ingress.hosts.lowering import Lowering
from isthmus.dialects.ingress.hosts.paths import EXACT, PREFIX, Closed, parse_as, parse_path
from isthmus.dialects.ingress.hosts.rules import Scene
from isthmus.ir.match import PathMatch
from isthmus.kube.objects import IngressPath, ref_of
from isthmus.kube.refs import FieldPath


class Candidate(NamedTuple):
    """A path of one Ingress."""

    lowering: Lowering
    rule: IngressPath
    at: FieldPath

    @property
    def written(self) -> str:
        """The path as it stands there."""
        return self.rule.path or "/"

    @property
    def wants_regex(self) -> bool:
        """Whether it makes its host one of regular expressions: a target that is the path itself is no rewrite."""
        backend = self.rule.backend.service
        draft = self.lowering.draft(backend.name if backend else "")
        return draft.regex or (draft.rewrite is not None and draft.rewrite != self.written)

    @property
    def own_kind(self) -> PathKind | None:
        """How its own Ingress wants it read."""
        return self.lowering.any_draft().path_kind


def candidates(lowerings: Sequence[Lowering]) -> list[Candidate]:
    """Every path of the host, those of the oldest Ingress first."""
    return [
        Candidate(lowering, path, FieldPath(("spec", "rules", index, "http", "paths", at)))
        for lowering in lowerings
        for index in lowering.parts.rules
        for at, path in enumerate(_paths(lowering, index))
    ]


def _paths(lowering: Lowering, index: int) -> Sequence[IngressPath]:
    rule = lowering.ingress.spec.rules[index]
    return rule.http.paths if rule.http else ()


class Reading:
    """`regex` says that all of ingress-nginx's paths are expressions."""

    def __init__(self, found: Sequence[Candidate], scene: Scene) -> None:
        self._report = scene.report
        self._own_only = quirks.HOST_REGEX in scene.options.without
        self.regex = not self._own_only and any(each.wants_regex for each in found)
        self._exact = {each.written for each in found if each.rule.path_type == EXACT} if self.regex else set()

    def read(self, each: Candidate) -> PathMatch | Closed | None:
        """What a path takes; None, with a finding, when it cannot take anything."""
        place = (ref_of(each.lowering.ingress), each.at, self._report)
        if each.lowering.is_ingress_nginx and (self.regex or (self._own_only and each.wants_regex)):
            rule = each.rule
            if rule.path_type == PREFIX and each.written in self._exact and not each.wants_regex:
                rule = replace(rule, path=f"{each.written.rstrip('/')}/")  # the path itself is the other rule's
            return parse_as(PathKind.REGEX_ANY_CASE, rule, *place)
        kind = each.own_kind
        return parse_path(each.rule, *place) if kind is None else parse_as(kind, each.rule, *place)
