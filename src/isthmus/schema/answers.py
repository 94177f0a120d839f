"""Failures as JSON: google.rpc.Status for REST and WebSocket, Connect's error object, each with its details.

Details are printed with the schema's types; what it does not have is kept as base64. Rule: an error always becomes
some valid JSON, whatever the server put into it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from isthmus.schema.codec import Codec, dump_json
from isthmus.schema.status import RefusedError, Status, connect_name


def status_object(status: Status, codec: Codec | None) -> dict[str, object]:
    """google.rpc.Status as JSON has it. Without a codec, details are base64."""
    code, message, details = _whole(status)
    return {"code": code, "message": message, "details": [_detail(*each, codec) for each in details]}


def status_json(status: Status, codec: Codec | None) -> bytes:
    """`status_object` as text."""
    return dump_json(status_object(status, codec))


def status_message(status: Status) -> status_pb2.Status:
    """The same as the message."""
    code, message, details = _whole(status)
    found = status_pb2.Status(code=code, message=message)
    for type_url, value in details:
        found.details.add(type_url=type_url, value=value)
    return found


def connect_error(status: Status, codec: Codec | None) -> dict[str, object]:
    """A Connect error: string code, message, and details with type, unpadded base64 and a readable `debug`."""
    code, message, details = _whole(status)
    found: dict[str, object] = {"code": connect_name(code)}
    if message:
        found["message"] = message
    if details:
        found["details"] = [_connect_detail(*each, codec) for each in details]
    return found


def unpadded(data: bytes) -> str:
    """Base64 as Connect and gRPC write it."""
    return base64.b64encode(data).decode().rstrip("=")


def _whole(status: Status) -> tuple[int, str, list[tuple[str, bytes]]]:
    """Code, message and details. What the trailer says of the code does not count: grpc-status does."""
    found = status_pb2.Status()
    try:
        found.ParseFromString(status.details)
    except DecodeError:
        return status.code, status.message, []
    return status.code, status.message or found.message, [(each.type_url, each.value) for each in found.details]


def _detail(type_url: str, value: bytes, codec: Codec | None) -> dict[str, object]:
    for printed in _printed(type_url, value, codec):
        if isinstance(printed, dict):
            return {"@type": type_url, **printed}
        return {"@type": type_url, "value": printed}
    return {"@type": type_url, "value": base64.b64encode(value).decode()}


def _connect_detail(type_url: str, value: bytes, codec: Codec | None) -> dict[str, object]:
    found: dict[str, object] = {"type": type_url.rpartition("/")[2], "value": unpadded(value)}
    for printed in _printed(type_url, value, codec):
        found["debug"] = printed
    return found


def _printed(type_url: str, value: bytes, codec: Codec | None) -> Iterator[object]:
    """The detail as JSON has it, if the schema can say."""
    if codec is None:
        return
    try:
        yield codec.to_object(codec.answer(value, type_url.rpartition("/")[2]))
    except (KeyError, RefusedError):
        return
