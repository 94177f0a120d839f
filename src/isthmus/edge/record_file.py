"""A private file of records that grows: written anew as a whole, then added to.

May not know what the records say. Rule: at every moment, whatever is killed, the file holds whole records of one
writing, but for the last one, which may be torn.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_SPARE = 4 * 1024 * 1024  # bytes that may be added before the file is worth writing anew


class RecordFile:
    """Only this user can read it. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".{path.name}")
        self._file: int | None = None
        self._size = self._whole = 0

    def read(self) -> bytes:
        """What an earlier process wrote; nothing where there was none."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def begin(self) -> None:
        """Begin a new writing, beside the old one, which stays until `finish`."""
        self.close()
        self._file = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._size = 0

    def add(self, records: Iterable[bytes]) -> None:
        """Add records, in one piece."""
        data = memoryview(b"".join(records))
        while data and self._file is not None:
            written = os.write(self._file, data)
            self._size += written
            data = data[written:]

    def finish(self) -> None:
        """The new writing takes the place of the old one."""
        os.replace(self._beside, self._path)
        self._whole = self._size

    @property
    def outgrown(self) -> bool:
        """Whether most of the file has been overtaken, so that it should be written anew."""
        return self._size > 2 * self._whole + _SPARE

    def close(self) -> None:
        """No more will be added."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
