"""Annotations: how a family reads them, and what they decide about one path.

A Feature sees only the annotations that it declares in `reads`; the union of all `reads` is what is translated,
so there is no second list. A Vocabulary is one controller's annotations. Everything under a known prefix that no
feature reads is reported, and closes the path where ignoring it would be less safe than asked.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from isthmus.dialects.ingress import codes
from isthmus.dialects.services import closest
from isthmus.ir.backend import Protocol
from isthmus.ir.transcoding import Api
from isthmus.kube.diagnostics import Code, Report
from isthmus.kube.objects import Ingress, Service, ref_of
from isthmus.kube.refs import annotation

_TRUE = frozenset({"1", "t", "true"})  # Go's strconv.ParseBool, which both controllers use
_FALSE = frozenset({"0", "f", "false"})


class Draft(Struct, frozen=True):
    """What annotations decide about one path of one Ingress, before it becomes a Route. Times in milliseconds."""

    service: str
    protocol: Protocol | None = None  # None: what the Service's appProtocol says, else HTTP/1.1
    tls: bool = False
    connect_timeout_ms: int = 5_000
    read_timeout_ms: int = 60_000
    send_timeout_ms: int = 60_000
    timeouts_set: bool = False
    ssl_redirect: bool = True
    force_ssl_redirect: bool = False
    api: Api | None = None
    grpc_only: bool = False  # the Ingress says so itself, whatever its Services say
    closed: bool = False  # cannot be served as asked: the path answers 503


class View:
    """The annotations of an object that one feature declared, typed; invalid values are reported and read as absent."""

    def __init__(self, obj: Ingress | Service, reads: frozenset[str], report: Report) -> None:
        self._object = obj
        self._reads = reads
        self._report = report

    def text(self, key: str) -> str | None:
        """The value without surrounding space; None when absent. Asking for an undeclared key is a bug of ours."""
        if key not in self._reads:
            raise KeyError(f"the feature does not declare {key}")
        value = self._object.metadata.annotations.get(key)
        return None if value is None else value.strip()

    def boolean(self, key: str, default: bool) -> bool:
        """A Go boolean."""
        value = self.text(key)
        if value is None:
            return default
        if value.lower() in _TRUE or value.lower() in _FALSE:
            return value.lower() in _TRUE
        self.invalid(key, value, "true or false")
        return default

    def seconds(self, key: str, default_ms: int) -> int:
        """Whole seconds, as milliseconds; ingress-nginx takes a bare number without a unit."""
        value = self.text(key)
        if value is None:
            return default_ms
        if value.isascii() and value.isdigit() and 0 < int(value[:12]) <= 31_536_000:
            return int(value) * 1000
        hint = ", without a unit" if value[:-1].isdigit() else ""
        self.invalid(key, value, f"a whole number of seconds from 1 to 31536000{hint}")
        return default_ms

    def word(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of some words, in any case."""
        value = self.text(key)
        if value is None:
            return default
        if value.upper() in allowed:
            return value.upper()
        self.invalid(key, value, f"one of {', '.join(allowed)}{closest(value.upper(), allowed)}")
        return default

    def names(self, key: str) -> tuple[str, ...]:
        """A comma-separated list."""
        value = self.text(key)
        return tuple(part.strip() for part in (value or "").split(",") if part.strip())

    def invalid(self, key: str, value: str, expected: str) -> None:
        """Report a value that cannot be used; the default is."""
        self.say(codes.INVALID_ANNOTATION, key, value=value, expected=expected)

    def say(self, code: Code, key: str, **args: object) -> None:
        """Report something about an annotation."""
        self._report.add(code, ref_of(self._object), annotation(key), annotation=key, **args)

    @property
    def services(self) -> frozenset[str]:
        """The names of all Services that the Ingress refers to."""
        if isinstance(self._object, Service):
            return frozenset()
        spec = self._object.spec
        backends = [spec.default_backend]
        backends += [path.backend for rule in spec.rules if rule.http for path in rule.http.paths]
        return frozenset(b.service.name for b in backends if b is not None and b.service is not None)


class Feature(Struct, frozen=True):
    """One family of annotations: the keys it reads and what they change."""

    reads: frozenset[str]
    apply: Callable[[View, Draft], Draft]


class Handling(enum.Enum):
    """What ignoring an annotation would mean."""

    CLOSE = "close"  # less safe than asked: the paths of the object answer 503
    DROP = "drop"  # other routing than asked for other objects: the object's paths are not served
    KEEP = "keep"  # a difference, reported


class Vocabulary(Struct, frozen=True):
    """One controller's annotations.

    `closing` and `dropping` are beginnings of names (after the prefix) of annotations that no feature reads.
    """

    name: str
    prefixes: tuple[str, ...]
    features: tuple[Feature, ...]
    closing: tuple[str, ...] = ()
    dropping: tuple[str, ...] = ()
    snippets: tuple[str, ...] = ()
    harmless: Mapping[str, frozenset[str]] = {}  # values that ask for nothing

    @property
    def known(self) -> frozenset[str]:
        """Every annotation that is translated."""
        return frozenset().union(*(feature.reads for feature in self.features))

    def owns(self, key: str) -> bool:
        """Whether the annotation belongs to this controller."""
        return key.startswith(self.prefixes)

    def handling(self, key: str) -> Handling:
        """What becomes of a path whose annotation `key` is not translated."""
        name = key.partition("/")[2]
        if name.startswith(self.closing) or name in self.snippets:
            return Handling.CLOSE
        return Handling.DROP if name in self.dropping else Handling.KEEP


def draft(vocabulary: Vocabulary, ingress: Ingress, service: str, report: Report) -> Draft:
    """Let every feature whose annotations are present say what it has to say about a path."""
    result = Draft(service)
    present = ingress.metadata.annotations.keys()
    for feature in vocabulary.features:
        if not feature.reads.isdisjoint(present):
            result = feature.apply(View(ingress, feature.reads, report), result)
    return result


def judge(vocabulary: Vocabulary, others: Iterable[Vocabulary], ingress: Ingress, report: Report) -> Handling:
    """Report every annotation that is not translated; the worst handling among them decides for the object."""
    worst = Handling.KEEP
    known = vocabulary.known
    for key, value in ingress.metadata.annotations.items():
        if key in known or "/" not in key:
            continue
        if not vocabulary.owns(key):
            handling = _judge_foreign(vocabulary, others, ingress, key, report)
            worst = Handling.CLOSE if handling is Handling.CLOSE else worst
            continue
        if value.strip().lower() in vocabulary.harmless.get(key.partition("/")[2], ()):
            continue
        handling = vocabulary.handling(key)
        _report_untranslated(vocabulary, ingress, key, handling, report)
        if worst is Handling.KEEP or handling is Handling.CLOSE:
            worst = handling
    return worst


def _report_untranslated(
    vocabulary: Vocabulary, ingress: Ingress, key: str, handling: Handling, report: Report
) -> None:
    by_handling = {
        Handling.CLOSE: codes.SECURITY_ANNOTATION,
        Handling.DROP: codes.CANARY,
        Handling.KEEP: codes.UNTRANSLATED_ANNOTATION,
    }
    name = key.partition("/")[2]
    code = codes.SNIPPET if name in vocabulary.snippets else by_handling[handling]
    hint = closest(name, (known.partition("/")[2] for known in vocabulary.known))
    report.add(code, ref_of(ingress), annotation(key), annotation=key, hint=hint)


def _judge_foreign(
    vocabulary: Vocabulary, others: Iterable[Vocabulary], ingress: Ingress, key: str, report: Report
) -> Handling:
    """Another controller's annotation: its own controller would not read it here, but what restricts access closes."""
    owner = next((other for other in others if other.owns(key)), None)
    if owner is None:
        return Handling.KEEP
    ref, controller = ref_of(ingress), vocabulary.name
    report.add(
        codes.WRONG_CLASS_ANNOTATION, ref, annotation(key), annotation=key, owner=owner.name, controller=controller
    )
    if owner.handling(key) is not Handling.CLOSE:
        return Handling.KEEP
    report.add(codes.SECURITY_ANNOTATION, ref, annotation(key), annotation=key, hint="")
    return Handling.CLOSE
