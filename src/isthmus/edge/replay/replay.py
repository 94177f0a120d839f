"""Every request to both gateways at the same time, several requests at once, at the given rate.

Rule: a gateway that has never answered is given up soon, instead of being reported as thousands of differences.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from isthmus.edge.replay.client import Gateway
from isthmus.replay.answer import Outcome, Silence
from isthmus.replay.tally import Item

_PATIENCE = 20  # requests that a gateway may leave unanswered before its first answer

Take = Callable[[Item, Outcome, Outcome], None]


class UnreachableError(Exception):
    """A gateway takes no connections, or answers nothing; the text names it and says why."""


class Pace(NamedTuple):
    """How many requests wait for answers at most, and how many start a second (0: as fast as it goes)."""

    concurrency: int = 8
    rate: float = 0.0


async def replay(
    items: Iterable[Item], old: Gateway, new: Gateway, pace: Pace, take: Take, stop: asyncio.Event
) -> None:
    """Send every item to both and give what came; ends early when `stop` is set. Raises UnreachableError."""
    watches = _Watch("--old", old), _Watch("--new", new)
    for watch in watches:
        if silence := await watch.gateway.reach():
            raise UnreachableError(f"{watch.name} {silence.reason}")
    turns = _Turns(items, pace.rate)

    async def work() -> None:
        async for item in turns:
            outcomes = await asyncio.gather(*(watch.gateway.ask(item.request) for watch in watches))
            take(item, *outcomes)
            for watch, outcome in zip(watches, outcomes, strict=True):
                watch.note(outcome)

    workers = [asyncio.create_task(work()) for _ in range(pace.concurrency)]
    tasks = asyncio.create_task(_all(workers)), asyncio.create_task(_until(stop))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in (*workers, *tasks):
            task.cancel()
        await asyncio.gather(*workers, *tasks, return_exceptions=True)
    if not stop.is_set():
        for watch in watches:
            watch.finish()


async def _all(workers: Iterable[asyncio.Task[None]]) -> None:
    await asyncio.gather(*workers)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


class _Turns:
    """Hands out items, not faster than the rate."""

    def __init__(self, items: Iterable[Item], rate: float) -> None:
        self._items: Iterator[Item] = iter(items)
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0

    def __aiter__(self) -> _Turns:
        return self

    async def __anext__(self) -> Item:
        try:
            item = next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None
        if self._gap:
            now = asyncio.get_running_loop().time()
            turn = max(now, self._next)
            self._next = turn + self._gap
            await asyncio.sleep(turn - now)
        return item


class _Watch:
    """Notices a gateway that never answers."""

    def __init__(self, name: str, gateway: Gateway) -> None:
        self.name, self.gateway = name, gateway
        self._silent: int | None = 0  # None as soon as there was an answer
        self._last = ""

    def note(self, outcome: Outcome) -> None:
        """What came of one request. Raises UnreachableError."""
        if not isinstance(outcome, Silence):
            self._silent = None
        elif self._silent is not None:
            self._silent += 1
            self._last = outcome.reason
            if self._silent >= _PATIENCE:
                self.finish()

    def finish(self) -> None:
        """Raises UnreachableError where nothing was answered."""
        if self._silent:
            raise UnreachableError(
                f"{self.name} {self.gateway.bases[0]}: answered nothing; the last reason: {self._last}"
            )
