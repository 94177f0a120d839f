"""Annotations: families of them, what they decide about one path, and what becomes of those that nobody knows.

A Feature sees only the annotations that it declares; the union of all of them is what is known, so there is no
second list. A Vocabulary is one controller's annotations. Everything under a known prefix that no feature declares
is reported, and closes the path where ignoring it would be less safe than asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.old_names import OldName
from isthmus.dialects.ingress.view import Inherited, View
from isthmus.dialects.services import closest
from isthmus.kube.diagnostics import Effect, Report
from isthmus.kube.objects import ConfigMap, Ingress, ref_of
from isthmus.kube.refs import annotation
from isthmus.kube.store import Lookup


def _as_it_is(_: View, draft: Draft) -> Draft:
    return draft


class Feature(Struct, frozen=True):
    """One family of annotations, in a file of its own: the annotations it declares and what they change.

    `title` and `about` (a paragraph) are for the family's page in the documentation. One that applies `always` has
    defaults other than a Draft's own, so it speaks where none of its annotations are present too.
    """

    title: str
    about: str
    annotations: tuple[Annotation, ...]
    apply: Callable[[View, Draft], Draft] = _as_it_is
    always: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The keys that it declares."""
        return frozenset(each.key for each in self.annotations)


class Asked(NamedTuple):
    """An Ingress whose annotations are read, and what it has from another one."""

    ingress: Ingress
    inherited: Inherited | None = None


class Vocabulary(Struct, frozen=True, dict=True):
    """One controller's annotations. `prefixes` are those that it owns.

    `closing` are beginnings of names (after the prefix) that restrict access: a misspelt one must not be ignored.
    `config_map` is the usual `namespace/name` of the controller's ConfigMap, `settings` are keys of it that are read
    beside those of the annotations.
    """

    name: str
    prefixes: tuple[str, ...]
    features: tuple[Feature, ...]
    closing: tuple[str, ...] = ()
    harmless: Mapping[str, frozenset[str]] = {}  # values that ask for nothing
    empty_is_absent: str = ""  # prefix of annotations that its parsers pass over when they are empty
    config_map: str = ""
    settings: frozenset[str] = frozenset()
    idle_settings: Mapping[str, str] = {}  # keys that change nothing here, with the reason
    old_names: Mapping[str, OldName] = {}  # of annotations

    @cached_property
    def known(self) -> Mapping[str, Annotation]:
        """Every annotation that is declared, by key."""
        return {each.key: each for feature in self.features for each in feature.annotations}

    @cached_property
    def speakers(self) -> Mapping[str, frozenset[int]]:
        """Which features, by their place, an annotation or a key of the ConfigMap makes speak."""
        found: dict[str, set[int]] = {}
        for place, feature in enumerate(self.features):
            for each in feature.annotations:
                for key in {each.key, each.setting or each.key}:
                    found.setdefault(key, set()).add(place)
        return {key: frozenset(places) for key, places in found.items()}

    @cached_property
    def always(self) -> frozenset[int]:
        """The features, by their place, that speak about every path."""
        return frozenset(place for place, feature in enumerate(self.features) if feature.always)

    def owns(self, key: str) -> bool:
        """Whether the annotation belongs to this controller."""
        return key.startswith(self.prefixes)

    def restricts(self, key: str) -> bool:
        """Whether leaving the annotation out would be less safe than asked."""
        known = self.known.get(key)
        return known.restricts if known else key.partition("/")[2].startswith(self.closing)

    def is_harmless(self, key: str, value: str) -> bool:
        """Whether the value asks for nothing."""
        if value.strip().lower() in self.harmless.get(key.partition("/")[2], ()):
            return True
        return not value.strip() and self._passes_over_empty(key)

    def _passes_over_empty(self, key: str) -> bool:
        """What restricts access is left closed: an empty value there is more likely a template that went wrong."""
        ours = bool(self.empty_is_absent) and key.startswith(self.empty_is_absent)
        return ours and key in self.known and not self.restricts(key)

    def without_empty(self, ingress: Ingress) -> Ingress:
        """The same without what the controller passes over."""
        given = ingress.metadata.annotations
        empty = [key for key, value in given.items() if not value.strip() and self._passes_over_empty(key)]
        if not empty:
            return ingress
        kept = {key: value for key, value in given.items() if key not in empty}
        return replace(ingress, metadata=replace(ingress.metadata, annotations=kept))


def draft(
    vocabulary: Vocabulary,
    asked: Ingress | Asked,
    service: str,
    report: Report,
    look: Lookup,
    settings: ConfigMap | None,
) -> Draft:
    """Let every feature whose annotations are present say what it has to say about a path."""
    ingress, inherited = asked if isinstance(asked, Asked) else Asked(asked)
    ingress = vocabulary.without_empty(ingress)
    keys = (*ingress.metadata.annotations, *((settings.data or ()) if settings is not None else ()))
    speakers = vocabulary.always.union(*(vocabulary.speakers[key] for key in keys if key in vocabulary.speakers))
    result = Draft(service)
    for place in sorted(speakers):
        feature = vocabulary.features[place]
        view = View(ingress, feature.annotations, report, look, settings, inherited)
        result = feature.apply(view, result)
        if view.closed:
            result = replace(result, closed=True)
    return result


def judge(vocabulary: Vocabulary, others: Iterable[Vocabulary], asked: Ingress | Asked, report: Report) -> bool:
    """Report every annotation that changes nothing or cannot be had; whether the object's paths must be closed. What
    it has from another object is reported there."""
    ingress, inherited = asked if isinstance(asked, Asked) else Asked(asked)
    closed = False
    known = vocabulary.known
    for key, value in ingress.metadata.annotations.items():
        if "/" not in key or vocabulary.is_harmless(key, value):
            continue
        told = Report() if inherited is not None and key in inherited.keys else report
        if key in known:
            closed |= _judge_known(known[key], ingress, told)
        elif vocabulary.owns(key):
            closed |= _judge_unknown(vocabulary, ingress, key, told)
        else:
            closed |= _judge_foreign(vocabulary, others, ingress, key, told)
    return closed


def _judge_known(known: Annotation, ingress: Ingress, report: Report) -> bool:
    place = (ref_of(ingress), annotation(known.key))
    if known.handling is Handling.NO_EFFECT:
        report.add(codes.NO_EFFECT, *place, annotation=known.key, why=known.note)
    if known.handling is Handling.REFUSED:
        report.add(codes.REFUSED_ANNOTATION, *place, annotation=known.key, why=known.note, instead="remove it")
    return known.handling is Handling.REFUSED


def _judge_unknown(vocabulary: Vocabulary, ingress: Ingress, key: str, report: Report) -> bool:
    gone = vocabulary.old_names.get(key)
    if gone is not None:
        hint = f" ({gone.why}; now {gone.now})" if gone.now else f" ({gone.why})"
    else:
        hint = closest(key.partition("/")[2], (each.name for each in vocabulary.known.values()))
    code = codes.SECURITY_ANNOTATION if vocabulary.restricts(key) else codes.UNTRANSLATED_ANNOTATION
    report.add(code, ref_of(ingress), annotation(key), annotation=key, hint=hint)
    return code.effect is Effect.CLOSE


def _judge_foreign(
    vocabulary: Vocabulary, others: Iterable[Vocabulary], ingress: Ingress, key: str, report: Report
) -> bool:
    """Another controller's annotation: its own controller would not read it here, but what restricts access closes."""
    owner = next((other for other in others if other.owns(key)), None)
    if owner is None:
        return False
    ref, controller = ref_of(ingress), vocabulary.name
    report.add(
        codes.WRONG_CLASS_ANNOTATION, ref, annotation(key), annotation=key, owner=owner.name, controller=controller
    )
    if not owner.restricts(key):
        return False
    report.add(codes.SECURITY_ANNOTATION, ref, annotation(key), annotation=key, hint="")
    return True
