"""The messages that `isthmus call` sends, each as soon as it is complete: from -d or from standard input.

Reads block, on purpose: they are made in the thread that sends. Standard input is read past Python's own buffer, which
a thread that still waits at the end of the process would keep locked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from isthmus.schema.json_stream import JsonStream
from isthmus.schema.status import RefusedError

SEPARATOR = "\x1e"  # between messages in text format, as grpcurl has it
_MOST_BYTES = 64 * 1024 * 1024  # of one message
_CHUNK = 65_536


def texts(data: str | None, form: str) -> Iterator[str]:
    """The messages as they were written; none without `data`. Raises RefusedError."""
    if data is None:
        return
    if data.startswith("@") and data != "@":
        raise RefusedError(f"-d @ reads standard input; to send a file: -d @ < {data[1:]}")
    split = _Records() if form == "text" else JsonStream(_MOST_BYTES)
    chunks = _standard_input() if data == "@" else iter((os.fsencode(data),))
    for chunk in chunks:
        yield from map(_decoded, split.feed(chunk))
    yield from map(_decoded, split.finish())


class _Records:
    """Messages in text format, with separators between them; a blank one is an empty message, as grpcurl has it."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        *whole, self._held = (self._held + data).split(SEPARATOR.encode())
        return whole

    def finish(self) -> list[bytes]:
        return [self._held]


def _standard_input() -> Iterator[bytes]:
    """What comes in, as it comes."""
    number = sys.stdin.fileno()
    while chunk := os.read(number, _CHUNK):
        yield chunk


def _decoded(found: bytes) -> str:
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise RefusedError("a message is not UTF-8") from None
