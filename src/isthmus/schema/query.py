"""Fields filled from text: query parameters and path variables, by dotted field paths in either spelling of names.

A leaf is a scalar, an enum (name or number) or a well-known type with a text form in JSON; repeated leaves take one
text each. Maps, Struct, Value, ListValue, Any and other messages have no text form and are refused by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from isthmus.schema.codec import Codec
from isthmus.schema.descriptors import json_name
from isthmus.schema.status import RefusedError

_GOOGLE = "google.protobuf."
_TEXTS = {"Timestamp", "Duration", "FieldMask"}
_BOOLS = {"true": True, "false": False}


class Leaf(NamedTuple):
    """Where a dotted name leads: the fields on the way, the last one the leaf."""

    name: str
    fields: tuple[FieldDescriptor, ...]


def parameters(query: str) -> list[tuple[str, str]]:
    """A query string's pairs; `+` is a space. Raises RefusedError for what is not UTF-8."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def fill_query(
    codec: Codec, message: Message, query: Iterable[tuple[str, str]], taken: Collection[str]
) -> tuple[str, ...]:
    """Fill a message from parameters; returns the dotted names (as in the .proto) that were filled.

    `taken` are fields that the path or the body fills. Raises RefusedError, naming the parameter.
    """
    found: dict[str, tuple[Leaf, list[str]]] = {}
    for name, text in query:
        fields = _walk(message.DESCRIPTOR, name)
        if fields is None:
            if codec.options.allow_unknown:
                continue
            raise RefusedError(f"unknown query parameter {name!r}: {message.DESCRIPTOR.full_name} has no such field")
        path = ".".join(field.name for field in fields)
        if fields[0].name in taken and path not in taken:
            raise RefusedError(f"query parameter {name!r}: this field is in the body")
        if path not in taken:  # what the path says wins
            found.setdefault(path, (Leaf(name, fields), []))[1].append(text)
    _one_of_each([leaf for leaf, _ in found.values()])
    for leaf, texts in found.values():
        fill_leaf(codec, message, leaf, texts)
    return tuple(found)


def fill_path(codec: Codec, message: Message, path: Sequence[str], text: str) -> None:
    """Fill one field from a variable of the path; what was there goes. Raises RefusedError."""
    fields = _walk(message.DESCRIPTOR, ".".join(path))
    if fields is None:
        raise RefusedError(f"{message.DESCRIPTOR.full_name} has no field {'.'.join(path)!r}")
    fill_leaf(codec, message, Leaf(".".join(path), fields), [text])


def fill_leaf(codec: Codec, message: Message, leaf: Leaf, texts: Sequence[str]) -> None:
    """Set a leaf to these texts. Raises RefusedError."""
    field = leaf.fields[-1]
    if len(texts) > 1 and not field.is_repeated:
        raise RefusedError(f"{leaf.name!r} is given {len(texts)} times and is a single value")
    for parent in leaf.fields[:-1]:
        message = getattr(message, parent.name)
        message.SetInParent()
    values = [_value(field, leaf.name, text) for text in texts]
    if field.message_type is not None and not field.is_repeated:
        message.ClearField(field.name)
    try:
        codec.fill(message, {field.json_name: values if field.is_repeated else values[0]})
    except RefusedError as error:
        raise RefusedError(f"{leaf.name!r}: {error}") from None


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise RefusedError(f"the query is not UTF-8 at {text[:60]!r}") from None


def _walk(message: Any, name: str) -> tuple[FieldDescriptor, ...] | None:
    """The fields that a dotted name leads through; None if there are none such."""
    fields: list[FieldDescriptor] = []
    current: Descriptor | None = message
    for part in name.split("."):
        field = _field(current, part) if current is not None else None
        if field is None:
            return None
        fields.append(field)
        current = None if field.is_repeated else field.message_type
    return tuple(fields)


def _field(message: Descriptor, name: str) -> FieldDescriptor | None:
    by_name: FieldDescriptor | None = message.fields_by_name.get(name)
    return by_name or next((field for field in message.fields if field.json_name == name), None)


def _one_of_each(leaves: Sequence[Leaf]) -> None:
    """Refuse two members of one oneof."""
    chosen: dict[tuple[tuple[str, ...], str], tuple[str, str]] = {}
    for leaf in leaves:
        for depth, field in enumerate(leaf.fields):
            if field.containing_oneof is not None:
                where = tuple(each.name for each in leaf.fields[:depth])
                first, name = chosen.setdefault((where, field.containing_oneof.name), (field.name, leaf.name))
                if first != field.name:
                    raise RefusedError(f"{name!r} and {leaf.name!r} exclude each other: give one of them")


def _value(field: FieldDescriptor, name: str, text: str) -> object:
    """What json_format takes for a text."""
    kind = field.message_type
    if kind is None:
        return _scalar(field, name, text)
    short = kind.full_name.removeprefix(_GOOGLE)
    if kind.full_name.startswith(_GOOGLE) and short.endswith("Value") and "value" in kind.fields_by_name:
        return _scalar(kind.fields_by_name["value"], name, text)
    if kind.full_name.startswith(_GOOGLE) and short in _TEXTS:
        return ",".join(map(_camel, text.split(","))) if short == "FieldMask" else text
    what = "a map" if kind.GetOptions().map_entry else f"of type {kind.full_name}"
    raise RefusedError(f"{name!r} is {what}, which has no form as one text: name a field in it, or send it in the body")


def _scalar(field: FieldDescriptor, name: str, text: str) -> object:
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if text not in _BOOLS:
            raise RefusedError(f"{name!r}: expected true or false, found {text[:60]!r}")
        return _BOOLS[text]
    return text


def _camel(path: str) -> str:
    """A field mask's path as JSON has it, from either spelling."""
    return ".".join(json_name(part) for part in path.strip().split("."))
