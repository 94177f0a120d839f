"""Documents to objects: which object each document is, and everything that is wrong with it, with its place.

May not judge what a field means; that is for a dialect. Rule: a fault costs exactly its own object.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from isthmus.kube import codes
from isthmus.kube.convert import Finding, Raw, convert
from isthmus.kube.diagnostics import Diagnostic, printable
from isthmus.kube.documents import normal, split
from isthmus.kube.lists import mend
from isthmus.kube.nodes import Node, compose, find
from isthmus.kube.objects import KINDS, Base
from isthmus.kube.refs import ROOT, FieldPath, ObjectRef, Source, SourcePos
from isthmus.kube.scalars import spelled
from isthmus.kube.yaml import Problem, parse


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
    text = normal(text)
    each = [decode_document(file, text[one.start : one.end], one.line) for one in split(text)]
    return Decoded(
        tuple(obj for one in each for obj in one.objects),
        tuple(found for one in each for found in one.diagnostics),
        tuple(unused for one in each for unused in one.unused),
        tuple(ref for one in each for ref in one.broken),
        any(one.unreadable for one in each),
    )


def decode_document(file: str, text: str, line: int) -> Decoded:
    """Everything in one document that starts on a line of a file."""
    parsed = parse(text, line)
    problems: dict[int, Problem] = {}
    if parsed.problem is not None:
        problems = {-1: parsed.problem}
        mended = mend(text, line)
        rest = parse(mended.text, line) if mended is not None else parsed
        if mended is not None and rest.problem is None:
            text, problems, parsed = mended.text, mended.broken, rest
    if parsed.value is None and not problems:
        return Decoded()
    decoding = _Decoding(file, text, line)
    for problem in problems.values():
        decoding.cannot(problem)
    for item, raw in _items(parsed.value) if parsed.value is not None else ():
        if item not in problems:
            decoding.take(item, raw)
    return decoding.done()


def file_ref(file: str) -> ObjectRef:
    """What a finding is about when there is no object to name."""
    return ObjectRef("File", "", file)


def _items(value: object) -> Iterator[tuple[int, object]]:
    """The objects of a document with their index in a List, or -1. Items of a typed list may leave out their kind."""
    if isinstance(value, dict):
        kind, items = value.get("kind"), value.get("items")
        if kind == "List" or (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
            given = {"kind": kind.removesuffix("List"), "apiVersion": value.get("apiVersion")}
            for index, item in enumerate(items if isinstance(items, list) else ()):
                yield index, {**given, **item} if isinstance(item, dict) and kind != "List" else item
            return
    yield -1, value


class _Decoding:
    """Gathers what one document holds."""

    def __init__(self, file: str, text: str, line: int) -> None:
        self._file = file
        self._text = text
        self._line = line
        self._objects: list[Base] = []
        self._found: list[Diagnostic] = []
        self._unused: list[Unused] = []
        self._broken: list[ObjectRef] = []
        self._unreadable = False
        self._root: Node | None = None

    def done(self) -> Decoded:
        """Everything."""
        found = tuple(self._objects), tuple(self._found), tuple(self._unused), tuple(self._broken)
        return Decoded(*found, self._unreadable)

    def cannot(self, problem: Problem) -> None:
        """Take note of something that cannot be read."""
        self._unreadable = True
        pos = SourcePos(self._file, problem.line, problem.column)
        self._found.append(Diagnostic(problem.code, file_ref(self._file), ROOT, problem.args, pos))

    def take(self, item: int, raw: object) -> None:
        """Take in one object."""
        why = _no_object(raw)
        if why:
            self._unreadable = True
            return self._add(Finding(codes.NOT_AN_OBJECT, ROOT, {"problem": why}), file_ref(self._file), item)
        assert isinstance(raw, dict)
        kind, version = str(raw["kind"]), str(raw["apiVersion"])
        if not _is_read(kind, version):
            pos, _ = self._place(item, FieldPath(("kind",)))
            self._unused.append(Unused(printable(kind), printable(version), _named(raw)[1], pos))
            return None
        ref = self._ref(kind, raw)
        if version != KINDS[kind][0]:
            words = {"kind": kind, "found": version, "wanted": KINDS[kind][0]}
            self._add(Finding(codes.UNSUPPORTED_VERSION, FieldPath(("apiVersion",)), words), ref, item)
            self._broken.append(ref)
            return None
        return self._convert(item, kind, raw, ref)

    def _convert(self, item: int, kind: str, raw: Raw, ref: ObjectRef) -> None:
        converted = convert(kind, raw, Source(self._file, self._line, item))
        for finding in converted.findings:
            self._add(finding, ref, item)
        if converted.obj is not None:
            self._objects.append(converted.obj)
        else:
            self._broken.append(ref)
            self._unreadable |= not _is_named(raw)

    def _ref(self, kind: str, raw: Raw) -> ObjectRef:
        namespace, name = _named(raw)
        if not name:
            return file_ref(self._file)
        return ObjectRef(kind, (namespace or "default") if KINDS[kind][2] else "", name)

    def _add(self, finding: Finding, ref: ObjectRef, item: int) -> None:
        pos, written = self._place(item, finding.path)
        words = finding.words
        if finding.code is codes.WRONG_TYPE and "found" not in words:
            words = {**words, **_type_words(finding, written)}
        args = tuple((name, printable(value)) for name, value in words.items())
        path = FieldPath(tuple(printable(step) if isinstance(step, str) else step for step in finding.path.steps))
        self._found.append(Diagnostic(finding.code, ref, path, args, pos))

    def _place(self, item: int, path: FieldPath) -> tuple[SourcePos, str | None]:
        if self._root is None:
            self._root = compose(self._text)
        if self._root is None:
            return SourcePos(self._file, self._line), None
        start, value = find(self._root, path if item < 0 else FieldPath(("items", item, *path.steps)))
        return SourcePos(self._file, self._line + start.line, start.column + 1), value.written


def _no_object(raw: object) -> str:
    """Why this is not a Kubernetes object; empty when it may be one."""
    if not isinstance(raw, dict):
        return f"it is {_shown(raw)}"
    for field in ("apiVersion", "kind"):
        value = raw.get(field)
        if value is None or value == "":
            return f"it has no {field}"
        if not isinstance(value, str):
            return f"its {field} is {_shown(value)}"
    return ""


def _is_read(kind: str, version: str) -> bool:
    """Whether this kind is read in some version of its group. Other groups may use the name for something else."""
    if kind not in KINDS:
        return False
    group = version.rpartition("/")[0]
    return group == KINDS[kind][0].rpartition("/")[0] or (kind == "Ingress" and group == "extensions")


def _named(raw: Raw) -> tuple[str, str]:
    """Namespace and name as far as they are there, safe to print."""
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        return "", ""
    return printable(spelled(metadata.get("namespace")) or ""), printable(spelled(metadata.get("name")) or "")


def _is_named(raw: Raw) -> bool:
    """Whether it is certain which object this is."""
    metadata = raw.get("metadata")
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("name"), str)
        and isinstance(metadata.get("namespace"), str | None)
    )


def _type_words(finding: Finding, written: str | None) -> dict[str, object]:
    """What was found, and how to mend it."""
    value, expected = finding.value, str(finding.words["expected"])
    if finding.secret:
        kind = {bool: "a boolean", int: "a number", float: "a number", str: "text"}.get(type(value), _shown(value))
        return {"found": kind, "fix": f"write {expected} here, in quotes if it is a number or true or false"}
    found = _shown(value)
    scalar = written if written is not None else str(value)
    if isinstance(value, bool | int | float) and "text" in expected:
        plain = written is not None and written not in found
        fix = f'put it in quotes: "{scalar}"'
        return {"found": f"{found} (which is what {scalar} means in YAML)" if plain else found, "fix": fix}
    if isinstance(value, str) and value.isdigit() and "number" in expected:
        return {"found": found, "fix": f"remove the quotes: {value}"}
    if expected == "a mapping" and finding.path.steps[-1:] == ("port",) and isinstance(value, str | int):
        return {"found": found, "fix": f"write {{{'name' if isinstance(value, str) else 'number'}: {scalar}}} here"}
    if expected == "a list" and isinstance(value, str | int | float):
        return {"found": found, "fix": f"write [{printable(scalar, 60)}] here, or one item a line with a dash"}
    if expected in ("a mapping", "a list"):
        return {"found": found, "fix": f"write {expected} here; look at the indentation and the dashes"}
    return {"found": found, "fix": f"write {expected} here"}


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the text "{printable(value, 60)}"'
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return f"a {type(value).__name__}"
