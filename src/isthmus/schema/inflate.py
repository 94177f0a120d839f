"""Compression of bodies and messages: gzip, with a limit on what comes out.

Rule: a small input never makes a large output; what is over the limit is refused while it is being unpacked.
"""

from __future__ import annotations

import zlib

from isthmus.schema.status import RESOURCE_EXHAUSTED, UNIMPLEMENTED, RefusedError

_GZIP = 16 + zlib.MAX_WBITS


def gzipped(data: bytes) -> bytes:
    """Compressed; the same bytes for the same input."""
    packer = zlib.compressobj(wbits=_GZIP)
    return packer.compress(data) + packer.flush()


class Inflate:
    """Unpacks what comes in pieces. Raises RefusedError for an `encoding` that is not gzip or identity."""

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip"):
            raise RefusedError(f"unknown compression {encoding[:40]!r}: supported are gzip and identity", UNIMPLEMENTED)
        self._unpacker = zlib.decompressobj(wbits=_GZIP) if name == "gzip" else None
        self._limit = limit
        self._any = False

    def feed(self, data: bytes) -> bytes:
        """What these bytes become. Raises RefusedError; more than the limit at once is too much."""
        if self._unpacker is None or not data:
            return data
        self._any = True
        try:
            found = self._unpacker.decompress(data, self._limit + 1)
        except zlib.error:
            raise RefusedError("the data is not gzip, though the headers say so") from None
        if len(found) > self._limit:
            raise RefusedError(f"unpacked, it is larger than {self._limit} bytes", RESOURCE_EXHAUSTED, 413)
        return found

    def finish(self) -> None:
        """Raises RefusedError if the end is missing."""
        if self._unpacker is not None and self._any and not self._unpacker.eof:
            raise RefusedError("the gzip data is cut off")


def inflated(data: bytes, encoding: str, limit: int) -> bytes:
    """All at once. Raises RefusedError."""
    unpacker = Inflate(encoding, limit)
    found = unpacker.feed(data)
    unpacker.finish()
    return found
