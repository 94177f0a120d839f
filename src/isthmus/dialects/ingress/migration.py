"""What becomes of every annotation when its object moves here, and what to write instead.

Made of what each annotation declares about itself and of what the real translation found; nothing is judged anew.
Rule: of several things that can be said about an annotation the worst counts.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from isthmus.dialects import codes as services
from isthmus.dialects.ingress import annotation_codes, codes, controller_settings
from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.claims import CLASS_ANNOTATION, VOCABULARIES, vocabulary_of
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.hosts import host_codes
from isthmus.dialects.ingress.nginx_org import codes as nginx_org
from isthmus.dialects.ingress.suggestions import NOTHING, Suggestion, suggestion
from isthmus.kube.diagnostics import Code, Diagnostic, Effect, Severity
from isthmus.kube.objects import Base, ConfigMap, Ingress, ref_of
from isthmus.kube.refs import FieldPath, ObjectRef, annotation
from isthmus.kube.store import Lookup, Store


class Verdict(enum.IntEnum):
    """From best to worst."""

    KEPT = 0
    HELPER = 1
    DIFFERS = 2
    NO_EFFECT = 3
    INVALID = 4  # the default is used
    UNKNOWN = 5  # not translated; nothing is less safe without it
    REFUSED = 6

    @property
    def word(self) -> str:
        """As users read it."""
        return self.name.lower().replace("_", " ")


class Row(Struct, frozen=True):
    """One annotation, key of the ConfigMap or other field of an object; `name` is a field's path where it is another.

    `why` says what differs, why it has no effect or is refused; `instead` what to write. Both may be empty.
    """

    path: FieldPath
    name: str
    value: str
    verdict: Verdict
    why: str = ""
    instead: str = ""
    codes: tuple[str, ...] = ()


class Moved(Struct, frozen=True):
    """One object. With `left_out`, the reason, it is not served here and nothing is said about its annotations.

    `foreign` are annotations that are no controller's of Ingress objects, such as those of cert-manager.
    """

    ref: ObjectRef
    rows: tuple[Row, ...] = ()
    left_out: str = ""
    foreign: tuple[str, ...] = ()
    suggested: Suggestion = NOTHING

    @property
    def verdict(self) -> Verdict:
        """Of the worst row."""
        return max((row.verdict for row in self.rows), default=Verdict.KEPT)


class _Said(Struct, frozen=True):
    verdict: Verdict
    why: str = ""
    instead: str = ""
    code: str = ""


_HANDLINGS = {
    Handling.EXACT: Verdict.KEPT,
    Handling.HELPER: Verdict.HELPER,
    Handling.DIFFERS: Verdict.DIFFERS,
    Handling.NO_EFFECT: Verdict.NO_EFFECT,
    Handling.REFUSED: Verdict.REFUSED,
}
_VERDICTS = {
    annotation_codes.UNTRANSLATED_ANNOTATION: Verdict.UNKNOWN,
    annotation_codes.UNKNOWN_SETTING: Verdict.UNKNOWN,
    annotation_codes.INVALID_ANNOTATION: Verdict.INVALID,
    # Ignored, as the controller that the object comes from ignores it.
    annotation_codes.NO_EFFECT: Verdict.NO_EFFECT,
    annotation_codes.WRONG_CLASS_ANNOTATION: Verdict.NO_EFFECT,
    annotation_codes.ALONE: Verdict.NO_EFFECT,
    annotation_codes.OVERRULED_ANNOTATION: Verdict.NO_EFFECT,
    host_codes.CANARY_IGNORED: Verdict.NO_EFFECT,
    host_codes.NAME_TAKEN: Verdict.NO_EFFECT,
    nginx_org.NEEDS_OTHER: Verdict.NO_EFFECT,
    nginx_org.BESIDE: Verdict.NO_EFFECT,
    nginx_org.NOT_FOR_ROLE: Verdict.NO_EFFECT,
}
_UNTRANSLATED = annotation_codes.UNTRANSLATED_ANNOTATION
_SAYS_NO_MORE = frozenset({annotation_codes.NO_EFFECT, annotation_codes.ANNOTATION_DIFFERS})
_LEFT_OUT = frozenset({codes.UNKNOWN_CLASS, codes.OTHER_CLASS, codes.NO_CLASS})
# Fields other than annotations: these are so in the controllers that objects come from, too.
_SAME_THERE = _LEFT_OUT | {
    services.NO_SERVICE,
    services.NO_SERVICE_PORT,
    services.NO_ENDPOINTS,
    services.BAD_PORT,
    services.BAD_ADDRESS,
    codes.DUPLICATE_PATH,
    codes.INVALID_HOST,
    codes.INVALID_PATH_TYPE,
    codes.BACKEND_KIND,
    host_codes.CANARY_ALONE,
    nginx_org.NO_MASTER,
    nginx_org.WRONG_ROLE,
    nginx_org.OTHER_MASTER,
}


def migrate(store: Store, found: Iterable[Diagnostic], config: str = "") -> tuple[Moved, ...]:
    """Every Ingress, and every other object that something is to be said about, in the order of the files.

    `found` is what the translation says; `config` the `namespace/name` of the controller's ConfigMap, empty for the
    usual ones.
    """
    by_object: dict[ObjectRef, list[Diagnostic]] = {}
    for each in dict.fromkeys(found):
        by_object.setdefault(each.ref, []).append(each)
    moved = (_move(obj, by_object.get(ref_of(obj), ()), Lookup(store), config) for obj in store)
    return tuple(each for each in moved if each is not None)


def _move(obj: Base, found: Sequence[Diagnostic], look: Lookup, config: str) -> Moved | None:
    if isinstance(obj, Ingress):
        return _ingress(obj, found, look)
    rows = tuple(_settings(obj, found, config)) if isinstance(obj, ConfigMap) else ()
    rows = (*rows, *_fields(found, {row.path for row in rows}))
    return Moved(ref_of(obj), rows) if rows else None


def _ingress(ingress: Ingress, found: Sequence[Diagnostic], look: Lookup) -> Moved:
    out = next((each for each in found if each.code in _LEFT_OUT), None)
    if out is not None:
        return Moved(ref_of(ingress), left_out=out.message)
    vocabulary = vocabulary_of(ingress, look)
    suggested = suggestion(vocabulary, ingress)
    by_path = _by_path(found)
    rows: list[Row] = []
    foreign: list[str] = []
    for key, value in ingress.metadata.annotations.items():
        path = annotation(key)
        if path in by_path or key == CLASS_ANNOTATION or any(each.owns(key) for each in VOCABULARIES):
            said = [*_declared(vocabulary, key, value), *map(_told, by_path.pop(path, ()))]
            if key in vocabulary.old_names and key not in vocabulary.known:
                said = [_Said(Verdict.UNKNOWN, vocabulary.old_names[key].why, code=_UNTRANSLATED.id)]
            rows.append(_row(path, key, value, said, suggested.instead(key)))
        else:
            foreign.append(key)
    fields = tuple(_fields(found, {row.path for row in rows}))
    return Moved(ref_of(ingress), (*rows, *fields), "", tuple(foreign), suggested)


def _by_path(found: Iterable[Diagnostic]) -> dict[FieldPath, list[Diagnostic]]:
    by_path: dict[FieldPath, list[Diagnostic]] = {}
    for each in found:
        by_path.setdefault(each.path, []).append(each)
    return by_path


def _declared(vocabulary: Vocabulary, key: str, value: str) -> Iterator[_Said]:
    known = vocabulary.known.get(key)
    if vocabulary.is_harmless(key, value):
        yield _Said(Verdict.NO_EFFECT, "it asks for nothing")
    elif known is not None:
        yield _handled(known, value)


def _handled(known: Annotation, value: str) -> _Said:
    if known.handling is Handling.DIFFERS and not known.meets(value):
        return _Said(Verdict.KEPT)
    return _Said(_HANDLINGS[known.handling], known.note)


def _told(found: Diagnostic) -> _Said:
    """A finding as a verdict; the name of the annotation, which stands beside it, is cut off."""
    args = dict(found.args)
    why = args.get("how") or args.get("why") or found.message.removeprefix(f"{args.get('annotation', '')} ")
    instead = args.get("instead") or found.help.partition("; until then")[0]
    if found.code in _SAYS_NO_MORE:
        instead = ""
    elif found.code is annotation_codes.MISSING_REFERENCE:
        instead = f"give it with -f too, {instead}"
    return _Said(_verdict(found.code), why, instead, found.code.id)


def _verdict(code: Code) -> Verdict:
    if code in _VERDICTS:
        return _VERDICTS[code]
    if code.effect in (Effect.CLOSE, Effect.DROP, Effect.UNREAD):
        return Verdict.REFUSED
    if code.severity is Severity.ERROR:
        return Verdict.INVALID
    return (
        Verdict.DIFFERS if code is annotation_codes.ANNOTATION_DIFFERS or code.effect is Effect.KEEP else Verdict.KEPT
    )


def _row(path: FieldPath, name: str, value: str, said: Sequence[_Said], instead: str = "") -> Row:
    """Of what is said the worst, with all who say it; a finding's own words beat those of the annotation's note."""
    verdict = max((each.verdict for each in said), default=Verdict.KEPT)
    worst = [each for each in said if each.verdict is verdict]
    worst = [each for each in worst if each.code] or worst
    why = "; ".join(dict.fromkeys(each.why for each in worst if each.why))
    instead = instead or "; ".join(dict.fromkeys(each.instead for each in worst if each.instead))
    return Row(path, name, value, verdict, why, instead, tuple(dict.fromkeys(each.code for each in worst if each.code)))


def _settings(obj: ConfigMap, found: Sequence[Diagnostic], config: str) -> Iterator[Row]:
    """The keys of a controller's ConfigMap; nothing where it is no controller's."""
    name = f"{obj.metadata.namespace}/{obj.metadata.name}"
    controllers = [each for each in VOCABULARIES if name == (config or each.config_map)]
    handlings = _handlings(controllers)
    by_path = _by_path(found)
    for key, value in (obj.data or {}).items() if controllers else ():
        path = FieldPath(("data", key))
        said = [*(_handled(each, value) for each in handlings.get(key, ())), *map(_told, by_path.get(path, ()))]
        yield _row(path, key, value, said)


def _handlings(controllers: Iterable[Vocabulary]) -> Mapping[str, Sequence[Annotation]]:
    """The annotations by the keys of the ConfigMap that hold their defaults."""
    found: dict[str, list[Annotation]] = {}
    for vocabulary in controllers:
        for known in vocabulary.known.values():
            if known.setting in controller_settings.keys(vocabulary):
                found.setdefault(known.setting, []).append(known)
    return found


def _fields(found: Iterable[Diagnostic], spoken: set[FieldPath]) -> Iterator[Row]:
    """What closes or drops something for another reason than an annotation, and did not before."""
    rest = [
        each
        for each in found
        if each.path not in spoken and _verdict(each.code) is Verdict.REFUSED and each.code not in _SAME_THERE
    ]
    for path, findings in _by_path(rest).items():
        yield _row(path, str(path), "", [_told(each) for each in findings])
