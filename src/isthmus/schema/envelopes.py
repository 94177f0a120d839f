"""The frames of Connect's streams: a byte of flags, four bytes of length, a message.

Source: the Connect protocol, "Streaming RPCs". Rule: no more than one message is held, and none over the limit.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from isthmus.schema.status import RESOURCE_EXHAUSTED, RefusedError

COMPRESSED, END = 1, 2
_HEAD = struct.Struct(">BI")


class Envelope(NamedTuple):
    """`flags` has COMPRESSED, END, both or none."""

    flags: int
    data: bytes


def enveloped(data: bytes, flags: int = 0) -> bytes:
    """A message as it goes over the wire."""
    return _HEAD.pack(flags, len(data)) + data


class Envelopes:
    """Feed it bytes, take whole messages."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Envelope]:
        """What is complete now. Raises RefusedError."""
        self._held += data
        found = []
        while len(self._held) >= _HEAD.size:
            flags, size = _HEAD.unpack_from(self._held)
            if flags & ~(COMPRESSED | END):
                raise RefusedError(f"protocol error: an envelope with unknown flags {flags:#04x}")
            if size > self._limit:
                raise RefusedError(f"a message of {size} bytes is larger than {self._limit} bytes", RESOURCE_EXHAUSTED)
            if len(self._held) < _HEAD.size + size:
                break
            found.append(Envelope(flags, bytes(self._held[_HEAD.size : _HEAD.size + size])))
            del self._held[: _HEAD.size + size]
        return found

    def finish(self) -> None:
        """Raises RefusedError if the end came in the middle of a message."""
        if self._held:
            raise RefusedError("protocol error: the body ends in the middle of an envelope")
