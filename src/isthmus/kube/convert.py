"""One raw manifest of a kind that is read to its object, and what the API server would say against it.

Knows no files: findings come with field paths, and decode.py adds the places. Rule: an object that the API server
would refuse is refused here too, with all reasons at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code
from isthmus.kube.objects import KINDS, Base, Secret
from isthmus.kube.refs import ROOT, FieldPath, Source
from isthmus.kube.shapes import Fault, faults, shape_of, without_nulls
from isthmus.kube.unknown import unknown_fields

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATIONS = 256 * 1024  # bytes of keys and values, as the API server counts them

_SOURCE = "isthmus.source"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_RULE = "at most 63 lower-case letters, digits and -, with a letter or digit first and last"
_SUBDOMAIN_RULE = "at most 253 lower-case letters, digits, - and ., with a letter or digit around each ."
_ONE_LABEL = ("Service", "Namespace")

Raw = dict[str, object]


class Finding(Struct, frozen=True):
    """Something about a field. `value` is the offending value of a WRONG_TYPE; a `secret` one is never shown."""

    code: Code
    path: FieldPath
    words: Mapping[str, object] = {}
    value: object = None
    secret: bool = False


class Converted(Struct, frozen=True):
    """The object, unless it is refused."""

    obj: Base | None
    findings: tuple[Finding, ...] = ()


def convert(kind: str, raw: Raw, source: Source) -> Converted:
    """Read one manifest of a kind of KINDS."""
    _, cls, namespaced = KINDS[kind]
    shape = shape_of(cls)
    value = _prepared(raw, namespaced)
    obj, refusals = _typed(value, cls, source)
    if obj is not None:
        refusals = tuple(_refusals(kind, obj))
    unknown = (
        Finding(codes.UNKNOWN_FIELD, each.path, {"kind": kind, "field": each.field, "hint": _hint(each.meant)})
        for each in unknown_fields(raw, shape)
    )
    return Converted(None if refusals else obj, (*refusals, *unknown))


def _prepared(raw: Raw, namespaced: bool) -> Raw:
    """The manifest with its namespace made explicit, and without kubectl's own copy of it."""
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        return raw
    namespace = metadata.get("namespace")
    if not namespaced:
        namespace = ""
    elif namespace is None or namespace == "":
        namespace = "default"
    prepared = {**metadata, "namespace": namespace}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        prepared["annotations"] = {key: each for key, each in annotations.items() if key != LAST_APPLIED}
    return {**raw, "metadata": prepared}


def _typed(value: Raw, cls: type[Base], source: Source) -> tuple[Base | None, tuple[Finding, ...]]:
    try:
        return msgspec.convert({**value, _SOURCE: source}, cls), ()
    except msgspec.ValidationError:
        shape = shape_of(cls)
    value = {key: each for key, each in value.items() if key != _SOURCE}
    plain = without_nulls(value, shape)
    assert isinstance(plain, dict)
    try:
        return msgspec.convert({**plain, _SOURCE: source}, cls), ()
    except msgspec.ValidationError as error:
        found = tuple(_finding(fault, cls is Secret) for fault in faults(plain, shape))
        other = {"expected": "a value that fits", "found": f"another: {error}", "fix": "correct the value"}
        return None, found or (Finding(codes.WRONG_TYPE, ROOT, other),)


def _finding(fault: Fault, secret: bool) -> Finding:
    if fault.expected:
        hidden = secret and fault.path.steps[0] != "metadata"
        return Finding(codes.WRONG_TYPE, fault.path, {"expected": fault.expected}, fault.value, hidden)
    return Finding(codes.MISSING_FIELD, fault.path, {"field": str(fault.path.steps[-1])})


def _refusals(kind: str, obj: Base) -> Iterator[Finding]:
    meta = obj.metadata
    pattern, most, rule = (_LABEL, 63, _LABEL_RULE) if kind in _ONE_LABEL else (_SUBDOMAIN, 253, _SUBDOMAIN_RULE)
    if len(meta.name) > most or not pattern.fullmatch(meta.name):
        words = {"value": repr(meta.name), "what": "name", "rule": rule}
        yield Finding(codes.INVALID_NAME, FieldPath(("metadata", "name")), words)
    if meta.namespace and (len(meta.namespace) > 63 or not _LABEL.fullmatch(meta.namespace)):
        words = {"value": repr(meta.namespace), "what": "namespace", "rule": _LABEL_RULE}
        yield Finding(codes.INVALID_NAME, FieldPath(("metadata", "namespace")), words)
    size = sum(len(key.encode()) + len(each.encode()) for key, each in meta.annotations.items())
    if size > MAX_ANNOTATIONS:
        words = {"what": "the sum of the annotations", "size": f"{size} bytes", "most": f"{MAX_ANNOTATIONS} bytes"}
        yield Finding(codes.TOO_LARGE, FieldPath(("metadata", "annotations")), words)


def _hint(meant: str) -> str:
    return f"; did you mean {meant}?" if meant else ""
