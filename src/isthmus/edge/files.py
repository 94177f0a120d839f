"""Manifests from files, folders and standard input: read once, or followed as they change.

What follows from the files is for manifests.py to say; here are the clock and the waiting. Rule: whatever an
editor, kubectl or a kubelet does to a file, no object is lost to the moment in between.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence, Set

from msgspec import Struct

from isthmus.edge.file_reader import FileReader
from isthmus.edge.file_scan import STDIN
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.files import File, positions_in
from isthmus.kube.manifests import Manifests
from isthmus.kube.objects import Base
from isthmus.kube.positions import Positions
from isthmus.kube.refs import ObjectRef

GRACE = 0.2  # seconds that an object must be gone before it is withdrawn
_LOST = 1.0  # seconds between looks while a given path is missing: its folder may be missing too


class FilesError(Exception):
    """The paths that were given cannot be used; the message says which and why."""


class Texts(Mapping[str, str]):
    """The texts of files by the names that positions use, put together when asked for."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files = files

    def __getitem__(self, path: str) -> str:
        return self._files[path].text

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class Loaded(Struct, frozen=True):
    """What the files define."""

    objects: tuple[Base, ...]
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]


class FileChange(Struct, frozen=True):
    """What changed since the last one. `diagnostics` are all that hold now; `seconds_at` is monotonic.

    `moved` are objects with an equal value at another place of their file, for those who keep places.
    """

    upserts: tuple[Base, ...]
    deletes: tuple[ObjectRef, ...]
    diagnostics: tuple[Diagnostic, ...]
    seconds_at: float
    moved: tuple[Base, ...] = ()


def load(paths: Sequence[str], stdin: bytes | None = None) -> Loaded:
    """Read everything once. Raises FilesError where a path does not exist."""
    return _load(FileReader(paths, {STDIN: stdin or b""}), Manifests(0))


def _load(reader: FileReader, manifests: Manifests) -> Loaded:
    files = reader.refresh()
    missing = reader.listing.missing
    if missing:
        what = "no such file or folder" if len(missing) == 1 else "no such files or folders"
        raise FilesError(f"{what}: {', '.join(missing)}. Give existing paths with -f, or - for standard input.")
    step = manifests.step(files, (), time.monotonic())
    return Loaded(step.upserts, step.diagnostics, Texts(files))


class Watcher:
    """Follows files: `loaded` is their first state, iterating gives every later change. Raises FilesError.

    One iteration at a time; ending it (aclose, or cancelling the task) ends the watching. `once` is what those paths
    held that can be read only once; `before` are the objects that an earlier watcher read there.
    """

    def __init__(
        self, paths: Sequence[str], once: Mapping[str, bytes] = {}, before: Mapping[ObjectRef, Base] = {}
    ) -> None:
        self._reader = FileReader(paths, once)
        self._manifests = Manifests(GRACE, before)
        self.loaded = _load(self._reader, self._manifests)
        self._diagnostics = self.loaded.diagnostics

    @property
    def texts(self) -> Mapping[str, str]:
        """The present texts."""
        return Texts(self._reader.files)

    @property
    def positions(self) -> Positions:
        """Places in the present texts; quicker than from `texts`, because the documents are known."""
        return positions_in(self._reader.files)

    async def __aiter__(self) -> AsyncIterator[FileChange]:
        from isthmus.edge.file_notices import Notices  # noqa: PLC0415 - slow to load, and what was loaded comes first

        async with Notices() as notices:
            touched: Set[str] | None = None
            while True:
                now = time.monotonic()
                change, wake = self._look(now, touched)
                if change is not None:
                    yield change
                if await notices.watch(self._reader.listing):
                    touched = None  # something may have changed before the watching began
                else:
                    touched = await notices.next(None if wake is None else wake - time.monotonic())

    def _look(self, now: float, touched: Set[str] | None) -> tuple[FileChange | None, float | None]:
        """Look at the files that were touched, or at all; the change, if any, and when to look again unasked."""
        files = self._reader.refresh(touched)
        missing = self._reader.listing.missing
        step = self._manifests.step(files, missing, now)
        wake = now + _LOST if step.wake is None and missing else step.wake
        if not (step.upserts or step.deletes or step.moved or step.diagnostics != self._diagnostics):
            return None, wake
        self._diagnostics = step.diagnostics
        return FileChange(step.upserts, step.deletes, step.diagnostics, now, step.moved), wake
