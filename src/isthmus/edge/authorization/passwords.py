"""Passwords judged in threads, each once: what was judged is remembered for a minute, keyed so that nothing of it can
be read back.

Rule: an unknown user takes as long as a known one, and too many at once are told to come back rather than queued
without end.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from isthmus.edge.authorization.basic import Credentials
from isthmus.edge.authorization.hashes import fits

_THREADS = 2
_MOST_WAITING = 256
_MOST_REMEMBERED = 20_000
_SECONDS = 60.0


class BusyError(Exception):
    """Too many passwords wait to be judged."""


class Passwords:
    """`clock` tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = os.urandom(32)
        self._threads = ThreadPoolExecutor(_THREADS, "passwords")
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}
        self._known: OrderedDict[bytes, tuple[bool, float]] = OrderedDict()

    def close(self) -> None:
        """Give up what waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def right(self, users: Mapping[str, str], given: Credentials) -> bool:
        """Whether the user has that password. Raises BusyError."""
        known = given.user in users
        value = users[given.user] if known else self._stand_in(users, given.user)
        return await self._fits(given, value) and known

    def _stand_in(self, users: Mapping[str, str], user: str) -> str:
        """A hash for somebody whom nobody knows: the same one each time, as a user of that name would have."""
        place = int.from_bytes(self._keyed(user.encode())[:8], "big") % len(users)
        return list(users.values())[place]

    async def _fits(self, given: Credentials, value: str) -> bool:
        key = self._keyed(given.user.encode(), given.password, value.encode())
        remembered = self._known.get(key)
        if remembered is not None and remembered[1] > self._clock():
            return remembered[0]
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= _MOST_WAITING:
                raise BusyError
            loop = asyncio.get_running_loop()
            waiting = self._waiting[key] = loop.run_in_executor(self._threads, fits, given.password, value)
            waiting.add_done_callback(lambda done: self._judged(key, done))
        return await asyncio.shield(waiting)

    def _judged(self, key: bytes, done: asyncio.Future[bool]) -> None:
        del self._waiting[key]
        if not done.cancelled() and done.exception() is None:
            self._known[key] = (done.result(), self._clock() + _SECONDS)
            self._known.move_to_end(key)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)

    def _keyed(self, *parts: bytes) -> bytes:
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, whole, hashlib.sha256)
