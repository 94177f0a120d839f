"""Waits for the file system to show that something was touched. Says which paths, never what they hold.

Folders are watched one by one, not recursively, because links lead out of trees. Rule: whoever changed the set of
watched folders must look again, since the change may have come before the watching.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Set
from types import TracebackType

from watchfiles import Change, awatch
from watchfiles.main import FileChange as Touched

from isthmus.edge.file_scan import Identity, Listing

_STEP = 5  # milliseconds of quiet that end a burst of events
_BURST = 20  # milliseconds after which a burst is reported even if it goes on
_POLL = 200  # milliseconds, where the kernel has no watches left


class Notices:
    """Events of the watched folders. An async context manager; leaving it ends the watching."""

    def __init__(self) -> None:
        self._folders: dict[str, Identity] | None = None
        self._listing: Listing | None = None
        self._events: AsyncGenerator[set[Touched], None] | None = None
        self._coming: asyncio.Task[set[Touched]] | None = None
        self._poll = False

    async def __aenter__(self) -> Notices:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self._stop()

    async def watch(self, listing: Listing) -> bool:
        """Watch what a listing asks for; whether that is something else than before."""
        self._listing = listing
        if listing.folders == self._folders:
            return False
        await self._stop()
        self._folders = dict(listing.folders)
        await self._start()
        return True

    async def next(self, timeout: float | None) -> Set[str] | None:
        """Wait for events that concern the listing, or for the time to pass; the paths that were touched if known."""
        if self._coming is None:
            await self._start()
        assert self._coming is not None
        await asyncio.wait({self._coming}, timeout=None if timeout is None else max(0.0, timeout))
        if not self._coming.done():
            return None
        done, self._coming = self._coming, None
        failed = done.exception()
        if failed is not None or self._events is None:
            self._folders = None  # watch anew, after the look that follows
            self._poll = self._poll or not isinstance(failed, FileNotFoundError)
            return None
        self._coming = asyncio.ensure_future(anext(self._events))
        return {path for _, path in done.result()}

    async def _start(self) -> None:
        self._events = awatch(
            *(self._folders or {}),
            watch_filter=self._concerns,
            step=_STEP,
            debounce=_BURST,
            recursive=False,
            force_polling=self._poll or None,
            poll_delay_ms=_POLL,
            ignore_permission_denied=True,
        )
        self._coming = asyncio.ensure_future(anext(self._events))
        await asyncio.sleep(0)  # one turn of the loop: awatch registers the folders before it waits

    async def _stop(self) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await coming
        events, self._events = self._events, None
        if events is not None:
            await events.aclose()

    def _concerns(self, _: Change, path: str) -> bool:
        return self._listing is None or self._listing.concerns(path)
