"""A message of Envoy's configuration as its leaves: where a value stands, with packed messages opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from isthmus.xds import api

Leaves = dict[str, list[object]]


def leaves(message: Any) -> Leaves:
    """Path -> the values there, in order. Elements of lists share a path; filters in a chain are told apart by name."""
    found: Leaves = {}
    for path, value in _walk(message, ""):
        found.setdefault(path, []).append(value)
    return found


def _walk(message: Any, path: str) -> Iterator[tuple[str, object]]:
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        yield from _walk(api.message(message.type_url, message.value), path) if message.type_url else ()
        return
    fields = message.ListFields()
    if not fields and path:
        yield path, "{}"
    for field, value in fields:
        at = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in sorted(value):
                yield from _one(value[key], f"{at}[{key}]")
        elif field.is_repeated:
            for each in value:
                named = _name(each)
                yield from _one(each, f"{at}[{named}]")
        else:
            yield from _one(value, at)


def _one(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Message):
        yield from _walk(value, path)
    else:
        yield path, value


def _name(value: object) -> str:
    """The name of an extension; nothing for other elements."""
    if not isinstance(value, Message) or "typed_config" not in value.DESCRIPTOR.fields_by_name:
        return ""
    found: str = getattr(value, "name", "")
    return found


def changed(before: Leaves, after: Leaves) -> set[str]:
    """The paths whose values differ."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
