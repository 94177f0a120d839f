"""Documents to objects: which document is which object, and everything that is wrong with it.

May not judge what a field means; that is for a dialect. Rule: a fault costs exactly its own object, and every
fault is a Diagnostic with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code, Diagnostic, printable
from isthmus.kube.documents import Document, split
from isthmus.kube.objects import KINDS, Base, Service
from isthmus.kube.positions import within
from isthmus.kube.refs import ROOT, FieldPath, ObjectRef, Source, SourcePos, annotation
from isthmus.kube.shapes import Fault, faults, shape_of, without_nulls
from isthmus.kube.unknown import unknown_fields
from isthmus.kube.yaml import parse

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATIONS = 256 * 1024  # bytes, as the API server counts them

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_ONE_LABEL = ("Service", "Namespace")
Raw = dict[str, object]


class Unused(Struct, frozen=True, gc=False):
    """An object of a kind that is not read."""

    kind: str
    version: str
    name: str
    pos: SourcePos


class Decoded(Struct, frozen=True):
    """What one document, or one file, holds.

    `broken` are objects that can be named but not read. `unreadable` says that there is something of which
    nobody can tell which objects it was meant to be.
    """

    objects: tuple[Base, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    unused: tuple[Unused, ...] = ()
    broken: tuple[ObjectRef, ...] = ()
    unreadable: bool = False


def decode(file: str, text: str) -> Decoded:
    """Everything in the text of one file."""
    each = [decode_document(file, document) for document in split(text)]
    return Decoded(
        tuple(obj for one in each for obj in one.objects),
        tuple(found for one in each for found in one.diagnostics),
        tuple(unused for one in each for unused in one.unused),
        tuple(ref for one in each for ref in one.broken),
        any(one.unreadable for one in each),
    )


def decode_document(file: str, document: Document) -> Decoded:
    """Everything in one document."""
    parsed = parse(document)
    if parsed.problem is not None:
        problem = parsed.problem
        pos = SourcePos(file, problem.line, problem.column)
        found = Diagnostic(problem.code, ObjectRef("File", "", file), ROOT, problem.args, pos)
        return Decoded(diagnostics=(found,), unreadable=True)
    if parsed.value is None:
        return Decoded()
    return _Decoding(file, document).run(parsed.value)


def name_problem(kind: str, name: str) -> str:
    """Why the API server would refuse a name for a kind; empty when it would not."""
    if kind in _ONE_LABEL:
        if len(name) <= 63 and _LABEL.fullmatch(name):
            return ""
        return "at most 63 lower-case letters, digits and -, with a letter or digit first and last"
    if len(name) <= 253 and _SUBDOMAIN.fullmatch(name):
        return ""
    return "at most 253 lower-case letters, digits, - and ., with a letter or digit around each ."


class _Decoding:
    """The decoding of one document."""

    def __init__(self, file: str, document: Document) -> None:
        self._file = file
        self._document = document
        self._objects: list[Base] = []
        self._found: list[Diagnostic] = []
        self._unused: list[Unused] = []
        self._broken: list[ObjectRef] = []
        self._unreadable = False

    def run(self, value: object) -> Decoded:
        for item, raw in _items(value):
            self._object(item, raw)
        return Decoded(
            tuple(self._objects),
            tuple(self._found),
            tuple(self._unused),
            tuple(self._broken),
            self._unreadable,
        )

    def _object(self, item: int, raw: object) -> None:
        if not isinstance(raw, dict):
            return self._no_object(item, f"it is {_shown(raw)}")
        kind, version = raw.get("kind"), raw.get("apiVersion")
        for field, value in (("kind", kind), ("apiVersion", version)):
            if not isinstance(value, str) or not value:
                why = f"it has no {field}" if not value else f"its {field} is {_shown(value)}"
                return self._no_object(item, why)
        if kind not in KINDS or not _same_group(kind, version):
            pos = self._place(item, FieldPath(("kind",)))
            self._unused.append(Unused(kind, version, _name(raw), pos))
        elif version != KINDS[kind][0]:
            ref = _ref(kind, raw, self._file)
            self._add(codes.UNSUPPORTED_VERSION, ref, item, "apiVersion", kind=kind, found=version, wanted=KINDS[kind][0])
            self._broken.append(ref)
        else:
            self._known(item, kind, raw)

    def _known(self, item: int, kind: str, raw: Raw) -> None:
        before = len(self._found)
        obj = self._convert(item, kind, raw)
        if obj is None or not self._acceptable(item, kind, obj):
            self._broken.append(_ref(kind, raw, self._file))
            return
        self._objects.append(obj)
