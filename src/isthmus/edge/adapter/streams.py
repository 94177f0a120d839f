"""A stream of answers, with the pauses between them: when to begin a response, when to show that it is alive.

Rule: a read that takes long is never given up to look at the clock; it goes on beside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from isthmus.edge.adapter.calls import Call
from isthmus.schema.header_rules import Metadata

_FIRST_SECONDS = 1.0  # after a server's headers its first answer may take so long before the response begins without
BEAT_SECONDS = 15.0


class Answering:
    """Reads the answers of a call. `more` says whether there may be another; `initial` is what has come of metadata."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._reading: asyncio.Task[bytes | None] | None = None
        self.more = True
        self.initial: Metadata = ()

    async def first(self) -> bytes | None:
        """The first answer. None: there is none, or `more` and it takes long. Raises what is wrong with the request."""
        self._reading = asyncio.create_task(self._call.next())
        headers = asyncio.create_task(self._call.headers())
        try:
            await asyncio.wait({self._reading, headers}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({self._reading}, timeout=_FIRST_SECONDS)
            first = await self._taken() if self._reading.done() else None
            if first is not None or not self.more:  # then the metadata have come as well
                await headers
            if headers.done():
                self.initial = headers.result()
            return first
        except asyncio.CancelledError:
            if self._reading is not None:
                self._reading.cancel()
            raise
        finally:
            headers.cancel()
            await asyncio.gather(headers, return_exceptions=True)

    async def rest(self) -> AsyncIterator[bytes | None]:
        """The other answers; None whenever a while has passed without one."""
        try:
            while self.more:
                if self._reading is None:
                    self._reading = asyncio.create_task(self._call.next())
                done, _ = await asyncio.wait({self._reading}, timeout=BEAT_SECONDS)
                if not done:
                    yield None
                elif (data := await self._taken()) is not None:
                    yield data
        finally:
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)

    async def _taken(self) -> bytes | None:
        assert self._reading is not None
        reading, self._reading = self._reading, None
        data = await reading
        self.more = data is not None
        return data
