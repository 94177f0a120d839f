"""Request files, line by line: plain, gzip (.gz) or standard input; never a whole file in memory.

Rule: a line that is too long is one unusable line, and the next one is read as usual.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from isthmus.replay.gathering import Gathering, Selection
from isthmus.replay.lines import MOST_BYTES
from isthmus.replay.request import Unusable
from isthmus.replay.tally import Reading

STDIN = "-"
LINES_A_STEP = 100_000  # about a second's


class RequestFileError(Exception):
    """A file cannot be read; the text names it and says why."""


def read_requests(paths: Iterable[str], selection: Selection, progress: Callable[[str, int], None]) -> Reading:
    """The requests of all files, `-` being standard input. Raises RequestFileError.

    `progress` is told the file and the line every LINES_A_STEP lines.
    """
    gathering = Gathering(selection)
    for path in paths:
        try:
            if path == STDIN:
                _read("stdin", sys.stdin.buffer, gathering, progress)
            else:
                with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
                    _read(path, file, gathering, progress)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RequestFileError(f"{path}: cannot be read: {reason}") from None
    return gathering.reading()


def _read(
    name: str, file: BinaryIO | gzip.GzipFile, gathering: Gathering, progress: Callable[[str, int], None]
) -> None:
    for number, line in enumerate(_lines(file), 1):
        place = f"{name}:{number}"
        if line is None:
            gathering.refuse(place, Unusable(f"the line is longer than {MOST_BYTES >> 20} MiB"))
        else:
            gathering.add(place, line)
        if number % LINES_A_STEP == 0:
            progress(name, number)


def _lines(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes | None]:
    """The lines; None for one that is too long."""
    while line := file.readline(MOST_BYTES + 1):
        if len(line) <= MOST_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MOST_BYTES)
        yield None
