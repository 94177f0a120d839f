"""From an HTTP request to a method's request messages, and from its answers to HTTP bodies, as one rule says.

google.api.http: the body fills the whole message or one field, the query what is left, the path last and above all.
A streaming method gets one message for each element of the body. Rule: values only; reading and sending is elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from isthmus.schema.bindings import Match
from isthmus.schema.codec import Codec, dump_json, read_json, serialized
from isthmus.schema.query import fill_path, fill_query
from isthmus.schema.status import RefusedError

HTTP_BODY = "google.api.HttpBody"
_FIELD_MASK = "google.protobuf.FieldMask"


class Raw(NamedTuple):
    """A body of any type, as google.api.HttpBody carries it."""

    content_type: str
    data: bytes


class Requests:
    """Makes the request messages of one HTTP request. Raises RefusedError for a body field that the schema lacks."""

    def __init__(self, codec: Codec, match: Match, query: Sequence[tuple[str, str]]) -> None:
        self._codec = codec
        self._match = match
        self._query = query
        self._input = codec.pool.FindMessageTypeByName(match.method.input)
        self._field = _named(self._input, match.binding.body)
        self.takes_body = bool(match.binding.body)
        target = self._field.message_type if self._field is not None else self._input
        self.http_body = self.takes_body and target is not None and target.full_name == HTTP_BODY

    def empty(self) -> bytes:
        """The message of a request without a body. Raises RefusedError."""
        return self._finished(self._codec.new(self._match.method.input), None)

    def from_json(self, text: bytes | str) -> bytes:
        """The message for a body, or an element of one, in JSON. Raises RefusedError."""
        value = read_json(text)
        message = self._codec.new(self._match.method.input)
        if self._field is not None:
            self._codec.fill(message, {self._field.json_name: value})
        else:
            self._codec.fill(message, value)
        return self._finished(message, value)

    def from_raw(self, raw: Raw) -> bytes:
        """The message for a body, or a piece of one, that HttpBody carries. Raises RefusedError."""
        message: Any = self._codec.new(self._match.method.input)
        target = message if self._field is None else getattr(message, self._field.name)
        target.content_type, target.data = raw
        return self._finished(message, None)

    def from_bytes(self, data: bytes) -> bytes:
        """The message for a whole message in protobuf's binary form. Raises RefusedError."""
        return self._finished(self._codec.parse(data, self._match.method.input), None)

    def _finished(self, message: Message, body: object) -> bytes:
        taken = set(self._match.variables)
        if self._field is not None:
            taken.add(self._field.name)
        fill_query(self._codec, message, self._query, taken)
        if self._match.binding.verb == "PATCH" and self._field is not None and isinstance(body, dict):
            self._fill_mask(message, body)
        for name, text in self._match.variables.items():
            fill_path(self._codec, message, name.split("."), text)
        return serialized(message)

    def _fill_mask(self, message: Message, body: dict[str, object]) -> None:
        """A PATCH without a field mask changes what its body has."""
        masks = [f for f in self._input.fields if not f.is_repeated and _type(f) == _FIELD_MASK]
        mask = next((f for f in masks if f.name == "update_mask"), masks[0] if len(masks) == 1 else None)
        if mask is not None and not message.HasField(mask.name) and self._field is not None:
            inside: Descriptor | None = self._field.message_type
            if inside is not None and not self._field.is_repeated:
                getattr(message, mask.name).paths.extend(_paths(inside, body))


class Answers:
    """Prints the answers of one method as a rule has them."""

    def __init__(self, codec: Codec, match: Match) -> None:
        self._codec = codec
        self._output = match.method.output
        described = codec.pool.FindMessageTypeByName(self._output)
        self._field = _named(described, match.binding.response_body)
        target = self._field.message_type if self._field is not None else described
        self.http_body = target is not None and target.full_name == HTTP_BODY and not _repeated(self._field)

    def to_json(self, data: bytes) -> bytes:
        """JSON text on one line. Raises RefusedError (INTERNAL)."""
        message = self._codec.answer(data, self._output)
        if self._field is None:
            return self._codec.to_json(message)
        return dump_json(self._codec.field_object(message, self._field))

    def to_raw(self, data: bytes) -> Raw:
        """What HttpBody carries. Raises RefusedError (INTERNAL)."""
        message: Any = self._codec.answer(data, self._output)
        body = message if self._field is None else getattr(message, self._field.name)
        return Raw(body.content_type, body.data)


def _named(message: Descriptor, name: str) -> FieldDescriptor | None:
    """The field of a rule's `body` or `response_body`; None for the whole message. Raises RefusedError."""
    if name in ("", "*"):
        return None
    field: FieldDescriptor | None = message.fields_by_name.get(name)
    if field is None:
        raise RefusedError(f"{message.full_name} has no field {name!r}, which an HTTP rule names")
    return field


def _type(field: FieldDescriptor) -> str:
    return field.message_type.full_name if field.message_type is not None else ""


def _repeated(field: FieldDescriptor | None) -> bool:
    return field is not None and bool(field.is_repeated)


def _paths(message: Descriptor, body: dict[str, object]) -> list[str]:
    """The fields that a JSON object sets, as deep as plain messages go (as grpc-gateway fills masks)."""
    found: list[str] = []
    for key, value in body.items():
        field = message.fields_by_name.get(key) or next((f for f in message.fields if f.json_name == key), None)
        if field is None:
            continue  # allowed to be unknown, else it would have been refused
        inner = field.message_type
        plain = inner is not None and not field.is_repeated and not inner.full_name.startswith("google.protobuf.")
        if plain and inner is not None and isinstance(value, dict) and value:
            found += [f"{field.name}.{path}" for path in _paths(inner, value)]
        else:
            found.append(field.name)
    return found
