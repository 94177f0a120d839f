"""Differences counted by kind, with a few examples of each, while a comparison goes on.

Rule: memory grows with the kinds of difference, not with the requests.
"""

from __future__ import annotations

from msgspec import Struct

from isthmus.replay.compare import BLANKS, NO_ANSWER, Difference
from isthmus.replay.request import Recorded, Unusable

_ORDER = (NO_ANSWER, "status", "location", "header", "body")


class Item(Struct, frozen=True):
    """A request to send: where it was found first, as which, and on how many lines."""

    request: Recorded
    place: str
    order: int = 0
    lines: int = 1


class Example(Struct, frozen=True):
    """One request of a kind of difference."""

    item: Item
    difference: Difference


class Group(Struct):
    """All requests of one kind of difference; `lines` counts repetitions too."""

    kind: str
    requests: int = 0
    lines: int = 0
    examples: list[Example] = []


class Reading(Struct, frozen=True):
    """What files held: the requests, the lines that are none, and what was left out on purpose."""

    items: tuple[Item, ...] = ()
    unusable: tuple[tuple[str, Unusable], ...] = ()  # the first ones, with their places
    unusable_count: int = 0
    unsafe: tuple[tuple[str, int], ...] = ()  # method, lines
    beyond_limit: int = 0  # lines

    @property
    def lines(self) -> int:
        """Lines that are sent, repetitions counted."""
        return sum(item.lines for item in self.items)


class Tally:
    """What came of the requests so far."""

    def __init__(self, most_examples: int) -> None:
        self._most = most_examples
        self._groups: dict[str, Group] = {}
        self.requests = self.lines = self.different = self.blanks = 0

    def add(self, item: Item, found: tuple[Difference, ...]) -> None:
        """Count one request and its differences."""
        self.requests += 1
        self.lines += item.lines
        self.blanks += any(each.kind == BLANKS for each in found)
        counted = [each for each in found if each.kind != BLANKS]
        self.different += bool(counted)
        for each in counted:
            group = self._groups.setdefault(each.kind, Group(each.kind))
            group.requests += 1
            group.lines += item.lines
            # The first ones of the files, whichever was answered first.
            group.examples = sorted([*group.examples, Example(item, each)], key=_order)[: self._most]

    def groups(self) -> tuple[Group, ...]:
        """The most serious kind first, and of one kind the most frequent."""
        return tuple(sorted(self._groups.values(), key=_rank))


def _order(example: Example) -> int:
    return example.item.order


def _rank(group: Group) -> tuple[int, int, str]:
    kind = group.kind if group.kind == NO_ANSWER else group.kind.partition(" ")[0]
    return _ORDER.index(kind), -group.requests, group.kind
