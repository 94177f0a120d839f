"""Lines to the requests that are sent: equal ones once, with their count; unsafe ones only if asked for.

Rule: every line is accounted for: sent, repeated, not usable, unsafe or beyond the limit.
"""

from __future__ import annotations

from msgspec import Struct

from isthmus.replay.lines import parse_line
from isthmus.replay.request import Recorded, Unusable
from isthmus.replay.tally import Item, Reading

_MOST_TOLD = 20  # lines that are no requests, named one by one


class Selection(Struct, frozen=True):
    """Which requests are sent, and how. `limit` counts different requests; 0 is none."""

    all_methods: bool = False
    limit: int = 0
    host: str = ""  # for lines that name none
    dropped: frozenset[str] = frozenset()  # headers that are not sent


class Gathering:
    """Requests as lines come in."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._found: dict[Recorded, tuple[str, int, int]] = {}
        self._unusable: list[tuple[str, Unusable]] = []
        self._unusable_count = 0
        self._unsafe: dict[str, int] = {}
        self._beyond = 0

    def add(self, place: str, line: bytes) -> None:
        """Take one line; `place` is file:line."""
        found = parse_line(line)
        if isinstance(found, Unusable):
            self.refuse(place, found)
        elif found is not None:
            self._take(place, self._as_sent(found))

    def refuse(self, place: str, why: Unusable) -> None:
        """Count a line that is no request."""
        self._unusable_count += 1
        if len(self._unusable) < _MOST_TOLD:
            self._unusable.append((place, why))

    def _as_sent(self, request: Recorded) -> Recorded:
        dropped = self._selection.dropped
        headers = tuple(pair for pair in request.headers if pair[0] not in dropped) if dropped else request.headers
        host = request.host or self._selection.host
        return Recorded(request.method, host, request.target, headers, request.body, request.scheme)

    def _take(self, place: str, request: Recorded) -> None:
        known = self._found.get(request)
        limit = self._selection.limit
        if not (request.safe or self._selection.all_methods):
            self._unsafe[request.method] = self._unsafe.get(request.method, 0) + 1
        elif known is not None:
            self._found[request] = *known[:2], known[2] + 1
        elif limit and len(self._found) >= limit:
            self._beyond += 1
        else:
            self._found[request] = place, len(self._found), 1

    def reading(self) -> Reading:
        """Everything so far, in the order of the first appearance."""
        return Reading(
            tuple(Item(request, *seen) for request, seen in self._found.items()),
            tuple(self._unusable),
            self._unusable_count,
            tuple(sorted(self._unsafe.items())),
            self._beyond,
        )
