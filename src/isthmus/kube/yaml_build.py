"""The value of one YAML document, built from the parser's events.

Scalars follow scalars.py; duplicate keys are refused; merge keys are kept; aliases may not stand for more than a
document may hold. Rule: whatever is wrong is a Refused with its place, and no input costs more than its size.
"""

from __future__ import annotations

from msgspec import Struct
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code
from isthmus.kube.scalars import SUSPECT, Scalar, resolve, spelled
from isthmus.kube.yaml_events import NextEvent, place

MAX_EXPANDED = 3 * 1024 * 1024  # characters that aliases may stand for
MAX_SCALAR = 1024 * 1024  # characters
MAX_DEPTH = 100

_MERGE = object()  # stands for a plain << among the keys of a mapping
_TAG = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
_Container = dict[object, object] | list[object]


class Refused(Exception):  # noqa: N818 - it is a verdict on the input, not an error of ours
    """Ends the reading of one document; never leaves this layer. Line and column count from 0."""

    def __init__(self, code: Code, line: int, column: int, **words: object) -> None:
        super().__init__(code.id)
        self.code, self.line, self.column, self.words = code, line, column, words


def size(characters: int) -> str:
    """A size for a message."""
    return f"{characters / 1024 / 1024:.1f} MiB"


class _Anchored(Struct, frozen=True):
    """A value that aliases may repeat; `weight` is about how many characters it has when written out."""

    value: object
    weight: int


class Builder:
    """Builds the value of one document from its events."""

    def __init__(self, following: NextEvent) -> None:
        self._next = following
        self._root: object = None
        self._into: _Container | None = None
        self._key: object = None  # the key that waits for its value, while in a mapping
        self._open: list[tuple[_Container | None, object, str | None]] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None while the anchored value is still open
        self._weights: dict[int, _Anchored] = {}  # by id; holds the values, so that ids stay theirs
        self._merges: dict[int, Event] = {}  # the << of each open mapping, by the mapping's id
        self._repeated = 0

    def run(self) -> object:
        """The value. Raises Refused and YAMLError."""
        following = self._next
        following()  # the start of the stream
        if type(following()) is StreamEndEvent:
            return None
        while True:
            event = following()
            if isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, MappingStartEvent):
                self._start(event, {})
            elif isinstance(event, SequenceStartEvent):
                self._start(event, [])
            elif isinstance(event, AliasEvent):
                self._put(self._alias(event), event)
            elif isinstance(event, DocumentEndEvent):
                break
            else:
                self._end(event)
        event = following()
        if type(event) is not StreamEndEvent:
            raise _syntax(event, "a second document starts here", "put a line with --- between two documents")
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
        key: object = spelled(value)
        if value is _MERGE:
            key = _MERGE
            self._merges[id(into)] = event
        if key is None:
            problem = "a key must be text" if value is not None else "a key is missing before the colon, or it is null"
            raise _syntax(event, problem, "write the key in quotes")
        if key in into:  # type: ignore[operator]
            shown = "<<" if key is _MERGE else key
            raise _refused(codes.DUPLICATE_KEY, event, key=shown)
        return key

    def _scalar(self, event: ScalarEvent) -> None:
        text = event.value
        value: object = text
        if event.tag is not None:
            value = _tagged(event)
        elif event.implicit[0] and (text[:1] in SUSPECT or not text):
            value = resolve(text)
        elif text == "<<" and event.implicit[0] and type(self._into) is dict and self._key is None:
            value = _MERGE
        if len(text) > MAX_SCALAR:
            most = size(MAX_SCALAR)
            raise _refused(codes.TOO_LARGE, event, what="the value", size=size(len(text)), most=most)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(text if value is _MERGE else value, len(text) + 1)
        self._put(value, event)

    def _start(self, event: MappingStartEvent | SequenceStartEvent, new: _Container) -> None:
        if type(self._into) is dict and self._key is None:
            fix = "write the key as text; if this is a {{ template }}, render it first (helm template)"
            raise _syntax(event, "a mapping or list stands where a key should be", fix)
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
        if type(done) is dict and _MERGE in done:
            _merge(done, self._merges.pop(id(done)))
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
        if self._repeated > MAX_EXPANDED:
            problem = f"aliases make this document larger than {size(MAX_EXPANDED)}"
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
    line, column = place(event)
    return Refused(code, line, column, **args)


def _syntax(event: Event, problem: str, fix: str) -> Refused:
    return _refused(codes.SYNTAX, event, language="YAML", problem=problem, fix=fix)


def _unknown_tag(event: Event, tag: str) -> Refused:
    shown = tag.replace(_TAG, "!!")
    return _syntax(event, f"the tag {shown} is not one that Kubernetes manifests use", "remove the tag")


def _tagged(event: ScalarEvent) -> Scalar:
    """A scalar with a tag of its own: `!!str 8080` and the like."""
    tag = (event.tag or "").removeprefix(_TAG)
    if tag in ("!", "str", "timestamp"):
        return str(event.value)
    value = resolve(event.value)
    if tag not in _TAGGED:
        raise _unknown_tag(event, tag)
    if type(value) not in _TAGGED[tag]:
        raise _syntax(event, f"this is not a value of the type !!{tag}", "correct the value or the tag")
    return value


def _merge(into: dict[object, object], event: Event) -> None:
    """Fill in the keys of the `<<` entry that the mapping does not have itself; of several the first wins."""
    source = into.pop(_MERGE)
    for each in source if isinstance(source, list) else [source]:
        if not isinstance(each, dict):
            raise _syntax(event, "<< must name a mapping or a list of mappings", "point it to an anchored mapping")
        for key, value in each.items():
            into.setdefault(key, value)
