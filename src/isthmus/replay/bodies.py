"""Whether two bodies say the same: JSON as values, text up to white space, anything else byte by byte.

Rule: a body is compared as JSON only where one side calls it JSON and both can be read; else it is compared as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from isthmus.replay.answer import Answer, decoded
from isthmus.replay.json_path import JsonPath, Place, shown

_JSON = re.compile(r"(?:application|text)/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_TEXT = re.compile(
    r"text/|application/(?:[\w.+-]+\+)?(?:json|xml|javascript|x-ndjson|x-www-form-urlencoded)", re.IGNORECASE
)
_AROUND = 24  # characters of a text shown around the first one that differs
_MOST_SHOWN = 160


class BodyRules(NamedTuple):
    """`exact`: bytes only. `ignored`: places in JSON documents that are not compared."""

    exact: bool = False
    ignored: tuple[JsonPath, ...] = ()


class BodyDifference(NamedTuple):
    """Where the first difference is, and what stands there."""

    where: str
    old: str
    new: str


# Equal but for white space.
BLANKS_ONLY = BodyDifference("white space only", "", "")


def compare_bodies(old: Answer, new: Answer, rules: BodyRules) -> BodyDifference | None:
    """The first difference; BLANKS_ONLY where the rules do not count it; None where there is none."""
    one, other = decoded(old), decoded(new)
    if one is None or other is None:
        if old.values("content-encoding") != new.values("content-encoding"):
            return None  # the header tells the difference, and these bytes cannot be compared
        one, other = old, new
    if bool(one.cut) != bool(other.cut):
        return BodyDifference("its end", _end(one), _end(other))
    first, second = one.body, other.body
    if one.cut:
        length = min(len(first), len(second))
        first, second = first[:length], second[:length]
    if first == second:
        return None
    kinds = _kind(old), _kind(new)
    if not rules.exact and not one.cut and any(_JSON.match(kind) for kind in kinds):
        values = _json(first), _json(second)
        if values[0] is not None and values[1] is not None:
            return next(_unequal(values[0][0], values[1][0], rules.ignored), None)
    if not rules.exact and all(_TEXT.match(kind) for kind in kinds) and first.split() == second.split():
        return BLANKS_ONLY
    return _first(first, second)


def _kind(answer: Answer) -> str:
    return next(iter(answer.values("content-type")), "").strip()


def _end(answer: Answer) -> str:
    return f"cut off {answer.cut}" if answer.cut else f"complete, {len(answer.body)} bytes"


def _json(body: bytes) -> tuple[object] | None:
    """The value, wrapped since it may be null; None where it cannot be read."""
    try:
        return (msgspec.json.decode(body),)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _unequal(old: object, new: object, ignored: tuple[JsonPath, ...]) -> Iterator[BodyDifference]:
    """Differences in the order of the old document, without recursion: documents may be deep."""
    waiting: list[tuple[Place, object, object]] = [((), old, new)]
    while waiting:
        place, one, other = waiting.pop()
        if any(path.covers(place) for path in ignored):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            names = [*one, *(name for name in other if name not in one)]
            pairs = [((*place, name), one.get(name, _ABSENT), other.get(name, _ABSENT)) for name in names]
            waiting += reversed(pairs)
        elif isinstance(one, list) and isinstance(other, list):
            length = max(len(one), len(other))
            filled = [[*items, *[_ABSENT] * (length - len(items))] for items in (one, other)]
            waiting += reversed([((*place, at), a, b) for at, (a, b) in enumerate(zip(*filled, strict=True))])
        elif type(one) is bool or type(other) is bool:
            if one is not other:
                yield BodyDifference(shown(place), _text(one), _text(other))
        elif one != other:
            yield BodyDifference(shown(place), _text(one), _text(other))


class _Absent:
    """Stands for a member or an element that the other document has."""


_ABSENT = _Absent()


def _text(value: object) -> str:
    return "(absent)" if value is _ABSENT else _short(msgspec.json.encode(value).decode())


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."


def _first(old: bytes, new: bytes) -> BodyDifference:
    """Around the first byte that differs."""
    length = min(len(old), len(new))
    at = next((at for at in range(length) if old[at] != new[at]), length)
    return BodyDifference(f"byte {at + 1}", _excerpt(old, at), _excerpt(new, at))


def _excerpt(body: bytes, at: int) -> str:
    if not body:
        return "(empty)"
    start, end = max(0, at - _AROUND), at + _AROUND
    text = body[start:end].decode("utf-8", "backslashreplace")
    return ("..." if start else "") + text + ("..." if end < len(body) else f" ({len(body)} bytes)")
