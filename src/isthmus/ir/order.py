"""One total order of a host's routes: the first that matches wins, in Envoy as in the simulator.

nginx's rule: an exact path beats a pattern, the longer pattern goes first, and a pattern beats every prefix; a
longer prefix beats a shorter one, and of two equally long ones whole path elements beat plain text. Equal routes
have no order: a dialect leaves only one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from isthmus.ir.host import Route
from isthmus.ir.match import Exact, Match, PathMatch, Pattern, Prefix, SegmentPrefix

_Key = tuple[bool, int, int, str, int]
_GROUPS = (0, 2, 2, 1)  # exact paths first, then patterns, then prefixes


def _kind(path: PathMatch) -> int:
    match path:
        case Exact():
            return 0
        case SegmentPrefix():
            return 1
        case Prefix():
            return 2
        case Pattern():
            return 3
        case _:
            assert_never(path)


def specificity(match: Match) -> _Key:
    """A sort key: smaller is tried first."""
    kind = _kind(match.path)
    text = match.path.shown if isinstance(match.path, Pattern) else match.path.path
    same = _backwards(text) if isinstance(match.path, Pattern) else text
    return (not match.grpc, _GROUPS[kind], 0 if kind == 0 else -len(text), f"{kind}{same}", match.turn)


def _backwards(text: str) -> str:
    """Sorts the other way round: of patterns of one length ingress-nginx tries the last in the alphabet first."""
    return "".join(chr(0x10FFFF - ord(letter)) for letter in text)


def ordered(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes in the order in which they are tried."""
    return tuple(sorted(routes, key=lambda route: specificity(route.match)))
