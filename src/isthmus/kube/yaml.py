"""One YAML or JSON document to plain values, as kubectl reads it, with the place of whatever is wrong.

Scalars follow scalars.py; duplicate keys are refused; merge keys are kept; aliases may not stand for more than a
document may hold. Knows nothing of Kubernetes. Rule: no input raises, and none costs more than its size.
"""

from __future__ import annotations

import json
import re

import msgspec
from msgspec import Struct
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code
from isthmus.kube.documents import Document
from isthmus.kube.scalars import SUSPECT, Scalar, resolve, spelled
from isthmus.kube.yaml_events import NextEvent, place_of, reader_of, reason_of

MAX_DOCUMENT = 3 * 1024 * 1024  # characters; what the API server takes in one request
MAX_LIST = 64 * 1024 * 1024  # characters; a List holds many objects
MAX_SCALAR = 1024 * 1024
MAX_DEPTH = 100

MERGE = object()  # stands for a plain << among the keys of a mapping
_TAG = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
_LIST = re.compile(r"""^\s*"?kind"?\s*:\s*["']?\w*List\b""", re.MULTILINE)


class Problem(Struct, frozen=True, gc=False):
    """Why a document has no value. Line and column count from 1, the line within the file."""

    code: Code
    line: int
    column: int
    args: tuple[tuple[str, str], ...] = ()


class Parsed(Struct, frozen=True):
    """A document's value (None for an empty one), or the problem."""

    value: object = None
    problem: Problem | None = None


class Refused(Exception):  # noqa: N818 - it is a verdict on the input, not an error of ours
    """Ends the reading of one document; never leaves this package. The mark counts from 0."""

    def __init__(self, code: Code, line: int, column: int, **args: object) -> None:
        super().__init__(code.id)
        self.code, self.line, self.column, self.args_ = code, line, column, args


def parse(document: Document, pure: bool = False) -> Parsed:
    """Read one document. `pure` takes PyYAML's own parser even where libyaml is there."""
    try:
        _check_size(document.text)
        if document.text.lstrip()[:1] == "{":
            found = _parse_json(document)
            if found is not None:
                return found
        return Parsed(_Builder(reader_of(document.text, pure)).run())
    except Refused as refused:
        code, line, column, args = refused.code, refused.line, refused.column, refused.args_
    except YAMLError as error:
        line, column = place_of(error, document.text)
        code, args = codes.SYNTAX, _syntax_args(error, document.text, line)
    pairs = {name: str(value + document.line if name == "line" else value) for name, value in args.items()}
    return Parsed(problem=Problem(code, document.line + line, column + 1, tuple(pairs.items())))


def _check_size(text: str) -> None:
    if len(text) <= MAX_DOCUMENT:
        return
    most = MAX_LIST if _LIST.search(text) else MAX_DOCUMENT
    if len(text) > most:
        raise Refused(codes.TOO_LARGE, 0, 0, what="the document", size=_size(len(text)), most=_size(most))


def _size(characters: int) -> str:
    return f"{characters / 1024 / 1024:.1f} MiB"


def _syntax_args(error: YAMLError, text: str, line: int) -> dict[str, object]:
    lines = text.split("\n")
    near = lines[min(line, len(lines) - 1)]
    if near.startswith("\t") or near.lstrip(" ").startswith("\t"):
        fix = "indent with spaces; YAML does not allow tabs"
    elif "{{" in text:
        fix = "this looks like a template; render it first (helm template, kustomize build)"
    else:
        fix = "look for a missing quote, colon or bracket, or an indentation that is off, on this line or above it"
    return {"language": "YAML", "problem": reason_of(error), "fix": fix}


class _Twice(Exception):  # noqa: N818
    pass


def _parse_json(document: Document) -> Parsed | None:
    """The value where the text is JSON; None leaves it, and the words for what is wrong, to the YAML reader."""
    try:
        value = json.loads(document.text, object_pairs_hook=_unique)
        if "\\ud" in document.text.lower():
            msgspec.json.decode(document.text)  # refuses halves of surrogate pairs, which json lets through
    except (ValueError, RecursionError, _Twice, msgspec.DecodeError):
        return None
    return Parsed(value)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


class _Anchored(Struct, frozen=True):
    """A value that aliases may repeat; `weight` is about how many characters it has when written out."""

    value: object
    weight: int


class _Builder:
    """Builds the value of one document from its events."""

    def __init__(self, following: NextEvent) -> None:
        self._next = following
        self._root: object = None
        self._into: dict[object, object] | list[object] | None = None
        self._key: object = None  # the key that waits for its value, while in a mapping
        self._open: list[tuple[dict[object, object] | list[object] | None, object, str | None]] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None while the anchored value is still open
        self._weights: dict[int, _Anchored] = {}  # by id; holds the values, so that ids stay theirs
        self._repeated = 0

    def run(self) -> object:
        """The value. Raises Refused and YAMLError."""
        following = self._next
        while True:
            event = following()
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent:
                self._start(event, {})
            elif kind is SequenceStartEvent:
                self._start(event, [])
            elif kind is AliasEvent:
                self._put(self._alias(event), event)
            elif kind is DocumentEndEvent:
                break
            elif isinstance(event, MappingEndEvent) or self._open:
                self._end(event)
            elif kind is StreamEndEvent:
                return None
        event = following()
        if type(event) is not StreamEndEvent:
            fix = "put a line with --- between two documents"
            raise _refused(codes.SYNTAX, event, language="YAML", problem="a second document starts here", fix=fix)
        return self._root

    def _put(self, value: object, event: Event) -> None:
        into = self._into
        if type(into) is list:
            into.append(value)
        elif into is None:
            self._root = value
        elif self._key is None:
            self._key = self._name(value, event, into)
        else:
            into[self._key] = value  # type: ignore[call-overload]
            self._key = None

    def _name(self, value: object, event: Event, into: object) -> object:
        key = MERGE if value is MERGE else spelled(value)
        if key is None:
            problem = "a key must be text" if value is not None else "a key is missing before the colon, or it is null"
            raise _refused(codes.SYNTAX, event, language="YAML", problem=problem, fix="write the key in quotes")
        if key in into:  # type: ignore[operator]
            shown = "<<" if key is MERGE else key
            raise _refused(codes.DUPLICATE_KEY, event, key=shown, line=0)
        return key

    def _scalar(self, event: ScalarEvent) -> None:
        text = event.value
        value: object = text
        if event.tag is not None:
            value = _tagged(event)
        elif event.implicit[0] and (text[:1] in SUSPECT or not text):
            value = resolve(text)
        elif text == "<<" and event.implicit[0] and type(self._into) is dict and self._key is None:
            value = MERGE
        if len(text) > MAX_SCALAR:
            most = _size(MAX_SCALAR)
            raise _refused(codes.TOO_LARGE, event, what="the value", size=_size(len(text)), most=most)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, len(text) + 1)
        self._put(value, event)

    def _start(self, event: MappingStartEvent | SequenceStartEvent, new: dict[object, object] | list[object]) -> None:
        if type(self._into) is dict and self._key is None:
            raise _refused(
                codes.SYNTAX,
                event,
                language="YAML",
                problem="a mapping or list stands where a key should be",
                fix="write the key as text; if this is a {{ template }}, render it first (helm template)",
            )
        if len(self._open) >= MAX_DEPTH:
            raise _refused(codes.TOO_DEEP, event, most=MAX_DEPTH)
        if event.tag is not None and event.tag not in ("!", _TAG + "map", _TAG + "seq"):
            raise _unknown_tag(event, event.tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append((self._into, self._key, event.anchor))
        self._into, self._key = new, None

    def _end(self, event: Event) -> None:
        done: object = self._into
        if type(done) is dict and MERGE in done:
            _merge(done, event)
        self._into, self._key, anchor = self._open.pop()
        if anchor is not None:
            self._anchors[anchor] = self._weights[id(done)] = _Anchored(done, self._weigh(done))
        self._put(done, event)

    def _alias(self, event: AliasEvent) -> object:
        if event.anchor not in self._anchors:
            raise _refused(codes.ALIASES, event, problem=f"the alias *{event.anchor} has no anchor before it")
        found = self._anchors[event.anchor]
        if found is None:
            raise _refused(codes.ALIASES, event, problem=f"the alias *{event.anchor} contains itself")
        self._repeated += found.weight
        if self._repeated > MAX_DOCUMENT:
            problem = f"aliases make this document larger than {_size(MAX_DOCUMENT)}"
            raise _refused(codes.ALIASES, event, problem=problem)
        return found.value

    def _weigh(self, value: object) -> int:
        """Walks what is new in a value; what had an anchor of its own is known already."""
        weight = 0
        waiting = [value]
        while waiting:
            each = waiting.pop()
            known = self._weights.get(id(each))
            if known is not None:
                weight += known.weight
                continue
            weight += 1 + len(each) if isinstance(each, str) else 1
            if isinstance(each, dict):
                waiting.extend(each.keys())
                waiting.extend(each.values())
            elif isinstance(each, list):
                waiting.extend(each)
        return weight


def _refused(code: Code, event: Event, **args: object) -> Refused:
    mark = event.start_mark
    return Refused(code, mark.line, mark.column, **args)


def _unknown_tag(event: Event, tag: str) -> Refused:
    problem = f"the tag {tag.replace(_TAG, '!!')} is not one that Kubernetes manifests use"
    return _refused(codes.SYNTAX, event, language="YAML", problem=problem, fix="remove the tag")


def _tagged(event: ScalarEvent) -> Scalar:
    """A scalar with a tag of its own: `!!str 8080` and the like."""
    tag = event.tag.removeprefix(_TAG)
    if tag in ("!", "str", "timestamp"):
        return str(event.value)
    value = resolve(event.value)
    if tag not in _TAGGED:
        raise _unknown_tag(event, event.tag)
    if type(value) not in _TAGGED[tag]:
        problem = f"this is not a value of the type !!{tag}"
        raise _refused(codes.SYNTAX, event, language="YAML", problem=problem, fix="correct the value or the tag")
    return value


def _merge(into: dict[object, object], event: Event) -> None:
    """Fill in the keys of the `<<` entry that the mapping does not have itself; of several the first wins."""
    source = into.pop(MERGE)
    for each in source if isinstance(source, list) else [source]:
        if not isinstance(each, dict):
            problem = "<< must name a mapping or a list of mappings"
            raise _refused(codes.SYNTAX, event, language="YAML", problem=problem, fix="point it to an anchored mapping")
        for key, value in each.items():
            into.setdefault(key, value)
