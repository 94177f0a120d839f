"""One resource type on one ADS stream: what Envoy asked for, what it holds, what is on its way to it.

Knows neither the resources nor the other types; ads.py decides what to send. Rule: `has` never claims more than
Envoy certainly holds, else a resource that it lacks would never be sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from isthmus.xds.resources import Resource

UNSURE = ""  # a version that no resource has


class Send(Struct, frozen=True):
    """Send a response."""

    type_url: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]
    nonce: str


class Subscription:
    """The state of one type. At most one response is under way at a time."""

    def __init__(self) -> None:
        self.asked = False  # Envoy subscribed
        self.owes_answer = False  # the first request must be answered, with nothing if need be
        self.wanted: set[str] = set()  # names subscribed one by one
        self.unanswered: set[str] = set()  # those of them that Envoy waits for
        self.has: dict[str, str] = {}  # name -> version that Envoy holds or is being sent
        self.held: set[str] = set()  # names of which Envoy certainly holds some version
        self.spared: dict[str, None] = {}  # names that are gone, and that something refused may still be served by
        self.dirty: dict[str, None] = {}  # names to look at again, in order
        self.halves: deque[tuple[str, ...]] = deque()  # parts of a refused response, to be tried alone
        self.refused: dict[str, set[str]] = {}  # name -> versions that this Envoy will not be sent again
        self.flying: Send | None = None
        self._before: dict[str, str | None] = {}  # what `has` said of the names that are under way

    @property
    def busy(self) -> bool:
        """Whether anything is under way or waits to be sent."""
        return bool(self.flying or self.halves or self.dirty or self.owes_answer)

    def touch(self, names: Iterable[str]) -> None:
        """Look at these names again."""
        self.dirty |= dict.fromkeys(names)

    def forget(self, name: str) -> None:
        """Envoy may no longer hold this, whatever it was sent before."""
        self.has.pop(name, None)
        self.held.discard(name)
        self._before.pop(name, None)

    def subscribe(self, name: str) -> None:
        """Envoy asks for a name, perhaps again, and waits for the answer."""
        self.forget(name)
        self.wanted.add(name)
        self.unanswered.add(name)
        self.dirty[name] = None

    def unsubscribe(self, name: str) -> None:
        """Envoy is done with a name."""
        self.forget(name)
        self.wanted.discard(name)
        self.unanswered.discard(name)
        self.refused.pop(name, None)
        self.dirty.pop(name, None)

    def sent(self, response: Send) -> None:
        """A response is under way."""
        made = {each.name: each.version for each in response.resources}
        self._before = {name: self.has.get(name) for name in (*made, *response.removed)}
        self.has |= made
        for name in response.removed:
            self.has.pop(name, None)
        self.unanswered -= self._before.keys()
        self.owes_answer = False
        self.flying = response

    def holds(self, versions: Mapping[str, str]) -> None:
        """What Envoy says that it has."""
        self.has |= versions
        self.held |= versions.keys()

    def accepted(self, response: Send) -> None:
        """Envoy took the response."""
        self.held |= {each.name for each in response.resources}
        self.held.difference_update(response.removed)
        self.flying, self._before = None, {}

    def rejected(self, response: Send) -> None:
        """Envoy refused the response. One that came alone changed nothing; of several, it may have taken some."""
        alone = len(response.resources) == 1
        for name, version in self._before.items():
            if not alone:
                self.has[name] = UNSURE
            elif version is None:
                self.has.pop(name, None)
            else:
                self.has[name] = version
        self.flying, self._before = None, {}
        if alone:
            culprit = response.resources[0]
            self.refused.setdefault(culprit.name, set()).add(culprit.version)
            self.dirty[culprit.name] = None  # an older version may do
        elif response.resources:
            made = tuple(each.name for each in response.resources)
            half = len(made) // 2
            self.halves.extendleft((made[half:], made[:half]))
        if response.resources:  # what was to be removed with them is not refused
            self.touch(response.removed)
