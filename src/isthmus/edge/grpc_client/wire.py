"""Protobuf's encoding, field by field, for messages of servers that nobody trusts.

Nothing is built of what is not looked at, every length is checked, and the fields looked at are counted over a whole
conversation. Source: protobuf's encoding; descriptor.proto (name = 1, dependency = 3).
"""

from __future__ import annotations

from collections.abc import Iterator

_NAME, _DEPENDENCY = 1, 3
_MOST_IMPORTS = 5_000
_MOST_NAME = 4_096  # bytes
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


class WireError(ValueError):
    """It is no message of the kind that was expected."""


class TooManyError(WireError):
    """It has more fields than anybody needs."""


class Budget:
    """How many fields may still be looked at."""

    def __init__(self, fields: int = 1_000_000) -> None:
        self._left = fields

    def spend(self) -> None:
        """Look at one more. Raises TooManyError."""
        self._left -= 1
        if self._left < 0:
            raise TooManyError("too many fields")


def fields(data: bytes, budget: Budget) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field on the outermost level; values of fixed size are left out. Raises WireError."""
    at = 0
    while at < len(data):
        budget.spend()
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise WireError("a field is longer than what holds it")
            yield number, data[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise WireError(f"wire type {kind}")
    if at != len(data):
        raise WireError("it is cut off")


def header_of(file: bytes, budget: Budget) -> tuple[str, tuple[str, ...]]:
    """Name and imports of a FileDescriptorProto. Raises WireError."""
    name, imports = "", []
    for number, value in fields(file, budget):
        if number == _NAME and isinstance(value, bytes):
            name = text(value)
        elif number == _DEPENDENCY and isinstance(value, bytes):
            imports.append(text(value))
            if len(imports) > _MOST_IMPORTS:
                raise WireError(f"more than {_MOST_IMPORTS} imports")
    if not name:
        raise WireError("it has no name")
    return name, tuple(imports)


def text(data: bytes, most: int = _MOST_NAME) -> str:
    """A string of at most `most` bytes. Raises WireError."""
    if len(data) > most:
        raise WireError("a name is too long")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise WireError("a name is not UTF-8") from None


def varint(value: int) -> bytes:
    """A number of 0 or more, encoded."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise WireError("it is cut off")
        byte = data[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            return value, at
    raise WireError("a number is too long")
