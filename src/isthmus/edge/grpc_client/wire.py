"""The name and the imports of a serialised FileDescriptorProto, read without parsing it.

Walks the outermost protobuf fields only, so hostile content inside costs nothing; every length is checked.
Source: descriptor.proto (name = 1, dependency = 3) and protobuf's encoding.
"""

from __future__ import annotations

_NAME, _DEPENDENCY = 1, 3
_MOST_IMPORTS = 5_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


class WireError(ValueError):
    """It is no FileDescriptorProto."""


def header_of(file: bytes) -> tuple[str, tuple[str, ...]]:
    """Name and imports. Raises WireError."""
    name, imports, at = "", [], 0
    while at < len(file):
        tag, at = _varint(file, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, at = _varint(file, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        elif kind == _BYTES:
            size, at = _varint(file, at)
            if at + size > len(file):
                raise WireError("a field is longer than the file")
            if number == _NAME:
                name = _text(file[at : at + size])
            elif number == _DEPENDENCY:
                imports.append(_text(file[at : at + size]))
            at += size
        else:
            raise WireError(f"wire type {kind}")
        if len(imports) > _MOST_IMPORTS:
            raise WireError(f"more than {_MOST_IMPORTS} imports")
    if at != len(file) or not name:
        raise WireError("it is cut off" if at != len(file) else "it has no name")
    return name, tuple(imports)


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


def _text(data: bytes) -> str:
    if len(data) > 4_096:
        raise WireError("a name is too long")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise WireError("a name is not UTF-8") from None
