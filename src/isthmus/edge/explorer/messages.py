"""Between protobuf's bytes and JSON text, by a private pool: requests, responses, metadata, details of errors.

What a server sent is always shown, if need be as base64 with a note. Rule: only `to_bytes` refuses anything, with a
text for the person who wrote the JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from isthmus.edge.explorer.frames import Metadata

DETAILS = "grpc-status-details-bin"
_DEEPEST = 100  # as deep as protobuf's own parsers go


class JsonError(ValueError):
    """JSON that is no such message; the text says where and why."""


def to_bytes(text: str, name: str, pool: DescriptorPool) -> bytes:
    """The message `name` from its JSON text; empty text is an empty message. Raises JsonError."""
    message = _new(name, pool)
    try:
        json_format.Parse(text or "{}", message, descriptor_pool=pool, max_recursion_depth=_DEEPEST)
        return message.SerializeToString()
    except (json_format.ParseError, DecodeError, ValueError, TypeError, RecursionError) as error:
        # TypeError: json_format's answer to some wrong shapes; `Parse` documents only ParseError.
        raise JsonError(str(error).removeprefix("Failed to load JSON: ") or type(error).__name__) from None


def to_json(data: bytes, name: str, pool: DescriptorPool, defaults: bool = False) -> tuple[str, str]:
    """(JSON text, note). The note is empty if all went well; else the text holds the bytes in base64."""
    message = _new(name, pool)
    try:
        message.ParseFromString(data)
        shown = json_format.MessageToJson(
            message, descriptor_pool=pool, always_print_fields_with_no_presence=defaults, ensure_ascii=False
        )
    except (DecodeError, json_format.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        text = json.dumps({"base64": base64.b64encode(data).decode()}, indent=2)
        return text, f"shown as bytes, it cannot be written as JSON: {error}"
    return shown, ""


def details(trailers: Iterable[tuple[str, str | bytes]], pool: DescriptorPool) -> tuple[str, ...]:
    """The details of google.rpc.Status in the trailers, each as JSON text."""
    data = next((value for key, value in trailers if key == DETAILS), b"")
    if not data:
        return ()
    status = _new("google.rpc.Status", pool)
    try:
        status.ParseFromString(data if isinstance(data, bytes) else data.encode())
    except DecodeError:
        return ()
    return tuple(_detail(each.type_url, each.value, pool) for each in status.details)  # type: ignore[attr-defined]


def _detail(type_url: str, value: bytes, pool: DescriptorPool) -> str:
    try:
        text, note = to_json(value, type_url.rpartition("/")[2], pool)
    except KeyError:
        text, note = json.dumps({"base64": base64.b64encode(value).decode()}), "the schema has no such type"
    return json.dumps({"@type": type_url, **json.loads(text), **({"note": note} if note else {})}, indent=2)


def metadata_of(received: Iterable[tuple[str, str | bytes]] | None) -> Metadata:
    """As it is shown: bytes in base64."""
    return tuple(
        (key, base64.b64encode(value).decode() if isinstance(value, bytes) else value) for key, value in received or ()
    )


def metadata_to_send(given: Metadata) -> tuple[tuple[str, str | bytes], ...]:
    """As gRPC takes it: `-bin` values from base64, padded or not. Raises JsonError."""
    return tuple((key, _binary(key, value) if key.endswith("-bin") else value) for key, value in given)


def _binary(key: str, value: str) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        raise JsonError(f"metadata {key!r}: the value must be base64") from None


def _new(name: str, pool: DescriptorPool) -> Message:
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()
