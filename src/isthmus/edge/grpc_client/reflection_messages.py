"""The messages of server reflection, encoded and decoded by hand; v1 and v1alpha are the same on the wire.

Rule: what a server answers is decoded within a budget, and every name and text in it is fit to be shown.
Source: grpc/reflection/v1/reflection.proto.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from isthmus.edge.grpc_client.wire import Budget, WireError, fields, text, varint
from isthmus.schema.text import shown

# ServerReflectionRequest
LIST_SERVICES, FILE_OF_SYMBOL, FILE_BY_NAME = 7, 4, 3
# ServerReflectionResponse
_FILES, _SERVICES, _ERROR = 4, 6, 7
_NOT_FOUND = 5
_MOST_TEXT = 200
_MOST_NAME = 1_024
_SERVICE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


class Answer(NamedTuple):
    """One answer: exactly one of the three is not None. `refused` says why there is nothing else."""

    files: tuple[bytes, ...] | None = None
    services: tuple[str, ...] | None = None
    refused: str | None = None


def question(kind: int, name: str) -> bytes:
    """A request; `kind` is one of the three."""
    body = name.encode()
    return varint(kind << 3 | 2) + varint(len(body)) + body


def answer(data: bytes, budget: Budget) -> Answer:
    """A response. Raises WireError."""
    found = Answer()
    for number, value in fields(data, budget):
        if number in (_FILES, _SERVICES, _ERROR) and not isinstance(value, bytes):
            raise WireError("a message is expected, and it is a number")
        if number == _FILES:
            found = Answer(files=tuple(_parts(value, budget)))
        elif number == _SERVICES:
            found = Answer(services=tuple(_name(each, budget) for each in _parts(value, budget)))
        elif number == _ERROR:
            found = Answer(refused=_refusal(value, budget))
    if found == Answer():
        raise WireError("it answers nothing")
    return found


def is_service_name(name: str) -> bool:
    """Whether a service can be called so."""
    return len(name) <= _MOST_NAME and _SERVICE_NAME.fullmatch(name) is not None


def _parts(message: int | bytes, budget: Budget) -> list[bytes]:
    """The values of a message's field 1."""
    assert isinstance(message, bytes)
    return [value for number, value in fields(message, budget) if number == 1 and isinstance(value, bytes)]


def _name(service: bytes, budget: Budget) -> str:
    return next((text(value, len(value)) for value in reversed(_parts(service, budget))), "")


def _refusal(message: int | bytes, budget: Budget) -> str:
    assert isinstance(message, bytes)
    code, said = 0, ""
    for number, value in fields(message, budget):
        if number == 1 and isinstance(value, int):
            code = value
        elif number == 2 and isinstance(value, bytes):
            said = one_line(value[: _MOST_TEXT * 4].decode(errors="replace"))
    return said or ("not found" if code == _NOT_FOUND else f"error {code}")


def one_line(said: str) -> str:
    """What a server said, short and without control characters."""
    return shown(" ".join(said.split())[:_MOST_TEXT])
