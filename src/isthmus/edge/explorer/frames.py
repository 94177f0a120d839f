"""The frames of the explorer's WebSocket: JSON objects that say their kind in `type`.

The page sends start, then message, end, cancel; it is told headers, sent, message, invalid, and last of all status or
problem. Messages travel as JSON *text* inside a frame: JavaScript would round large numbers. Rule: values only.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

Metadata = tuple[tuple[str, str], ...]
_KEY = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~]*")


class Start(Struct, frozen=True, tag="start", forbid_unknown_fields=True):
    """The first frame. `timeout` is in seconds; `defaults` asks for fields that are not set, too."""

    upstream: str
    method: str
    metadata: Metadata = ()
    timeout: float | None = None
    defaults: bool = False


class Message(Struct, frozen=True, tag="message", forbid_unknown_fields=True):
    """One request message; `json` is its JSON text."""

    json: str


class End(Struct, frozen=True, tag="end", forbid_unknown_fields=True):
    """No more request messages: half-close."""


class Cancel(Struct, frozen=True, tag="cancel", forbid_unknown_fields=True):
    """Give the call up."""


Asked = Start | Message | End | Cancel


class Headers(Struct, frozen=True, tag="headers"):
    """The initial metadata came. Times are milliseconds since the call began; values of `-bin` keys are base64."""

    metadata: Metadata
    at: float


class Sent(Struct, frozen=True, tag="sent"):
    """A request message went out; `number` counts them from 0, refused ones too; `size` is in bytes."""

    number: int
    size: int
    at: float


class Invalid(Struct, frozen=True, tag="invalid"):
    """A request message did not go out. The call stays open."""

    number: int
    message: str


class Received(Struct, frozen=True, tag="message"):
    """A response message. `note` says what is odd about `json`, if anything."""

    json: str
    size: int
    at: float
    note: str = ""


class Status(Struct, frozen=True, tag="status"):
    """The end of the call. `details` are JSON texts of the messages in google.rpc.Status."""

    code: int
    name: str
    message: str
    details: tuple[str, ...]
    trailers: Metadata
    at: float


class Trouble(Struct, frozen=True, tag="problem"):
    """The call was never made; `message` says what to do."""

    message: str


Told = Headers | Sent | Invalid | Received | Status | Trouble


class FrameError(ValueError):
    """A frame that is none of ours; the text says why."""


def decode(text: str) -> Asked:
    """Raises FrameError."""
    try:
        return _DECODER.decode(text)
    except msgspec.MsgspecError as error:
        raise FrameError(f"this is no frame: {error}") from None


def encode(frame: Told) -> str:
    """As JSON text."""
    return msgspec.json.encode(frame).decode()


def wrong_metadata(metadata: Metadata) -> str:
    """What is wrong with metadata that a user gave; empty if nothing is. Keys are in lower case already."""
    for key, value in metadata:
        if not _KEY.fullmatch(key):
            return f"metadata key {key!r}: use only letters, digits, '_', '-' and '.'"
        if key.startswith("grpc-"):
            return f"metadata key {key!r}: names that start with 'grpc-' are gRPC's own"
        if not key.endswith("-bin") and not _VALUE.fullmatch(value):
            return f"metadata {key!r}: a value may hold only printable ASCII; for other bytes name it {key}-bin"
    return ""


_DECODER: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
