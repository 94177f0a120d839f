"""Keeps what a control plane may still serve although it cannot be read any more, for the one that comes after it.

A killed control plane must not cost what its last good version held: objects whose files broke, certificates whose
Secrets did, versions from before what Envoy refused (docs/decisions/0016). Rule: nothing here delays the first answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from isthmus.edge.files import FileChange
from isthmus.edge.record_file import RecordFile
from isthmus.machines.last_good import LastGood, Refused, Writer, read
from isthmus.machines.pipeline import Pipeline, Update
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.standing import Standing

_AT_ONCE = 500  # records, between which others have their turn


class Remembered:
    """`tell` hears, once, that nothing can be kept."""

    def __init__(self, path: Path, pipeline: Pipeline, snapshot: Snapshot, tell: Callable[[str], None]) -> None:
        self._file = RecordFile(path)
        self._pipeline = pipeline
        self._snapshot = snapshot
        self._tell = tell
        self._writer: Writer | None = None

    def before(self) -> LastGood:
        """What the control plane before this one knew."""
        try:
            return read(self._file.read())
        except OSError as error:
            self._fail(error)
            return LastGood()

    async def begin(self) -> None:
        """Write down everything that is known now."""
        writer = Writer()
        try:
            self._file.begin()
            records = iter(self._records(writer))
            while batch := tuple(islice(records, _AT_ONCE)):
                self._file.add(batch)
                await asyncio.sleep(0)
            self._file.finish()
        except OSError as error:
            self._fail(error)
        else:
            self._writer = writer
            for refused in self._snapshot.refusals():  # those that came meanwhile too
                self.refused(refused)
            self.wildcards(self._pipeline.wild.standings())

    async def follow(self, change: FileChange, update: Update) -> None:
        """Objects changed."""
        if self._writer is None:
            return
        records = [*self._writer.objects((*change.upserts, *change.moved), change.deletes)]
        for host in update.hosts:
            translation = self._pipeline.memo.hosts.get(host)
            records += self._writer.certificates(host, translation.certificates if translation else ())
        self._add(records)
        if self._file.outgrown:
            self._writer = None
            await self.begin()

    def refused(self, refused: Refused) -> None:
        """Envoy refused something."""
        if self._writer is not None:
            self._add([self._writer.refused(refused)])

    def wildcards(self, standings: Iterable[Standing]) -> None:
        """Envoy accepted or refused wildcard hosts."""
        if self._writer is not None:
            self._add([self._writer.wildcard(each) for each in standings])

    def _records(self, writer: Writer) -> Iterable[bytes]:
        yield from writer.objects(tuple(self._pipeline.memo.store))
        for host, translation in tuple(self._pipeline.memo.hosts.items()):
            if translation.certificates:
                yield from writer.certificates(host, translation.certificates)

    def _add(self, records: Iterable[bytes]) -> None:
        try:
            self._file.add(records)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._writer = None
        self._file.close()
        self._tell(f"last good versions cannot be kept beyond a crash of the control plane: {error}")
