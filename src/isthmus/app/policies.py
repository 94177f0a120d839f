"""The policies of the authorization helper as files, named by their digests.

Rule: a policy is there before Envoy hears of it, and stays for a while after nothing names it any more, because Envoy
may still ask about it. What cannot be written is denied by the helper, so nothing opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from isthmus.edge.whole_file import write_whole
from isthmus.ir.authorization import Authorization, encode

_SECONDS = 60.0  # for Envoy to have taken what no longer names it


class Policies:
    """The files in a folder, which is this user's alone."""

    def __init__(self, folder: Path, seconds: float = _SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds
        self._wanted: Mapping[str, Authorization] = {}
        self._there: set[str] = set()
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    def want(self, wanted: Mapping[str, Authorization]) -> None:
        """Have a file for each of these; the others go after a while. Raises OSError."""
        self._wanted = wanted
        if wanted and not self._there:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._there = {path.stem for path in self._folder.glob("*.json")}  # of a control plane before this one
        for digest in wanted.keys() - self._there:
            write_whole(self._file(digest), encode(wanted[digest]))
            self._there.add(digest)
        for digest in self._leaving.keys() & wanted.keys():
            self._leaving.pop(digest).cancel()
        for digest in self._there - wanted.keys() - self._leaving.keys():
            loop = asyncio.get_running_loop()
            self._leaving[digest] = loop.call_later(self._seconds, self._remove, digest)

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"

    def _remove(self, digest: str) -> None:
        self._leaving.pop(digest, None)
        if digest not in self._wanted:
            self._file(digest).unlink(missing_ok=True)
            self._there.discard(digest)
