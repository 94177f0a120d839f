"""Plausible values for fields, by their kinds and names: what a person would write who tries a method out.

Always the same for the same field: no clock, no chance. Rule: a value must be one that the field takes; that it makes
sense is second, and that it does no harm (true for `force`, say) comes before that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from isthmus.schema import json_kinds

TIMESTAMP = "2026-01-02T03:04:05Z"
# What a first try leaves out: it asks for trouble, for waiting, or needs a value that only the server knows.
_TRYING = re.compile(r"(^|_)(fail\w*|errors?|delay|sleep|wait|timeout|token|mask|etag|filter|order_by)(_|$)")
# The first that matches the name, in snake_case.
_TEXTS: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"e?mail", "ada@example.com"),
        (r"uuid|guid", "123e4567-e89b-12d3-a456-426614174000"),
        (r"ur[il]$|link$|website|homepage|picture|avatar|image", "https://example.com/"),
        (r"phone|mobile|fax", "+1 555 0100"),
        (r"first_name|given_name|^user(_?name)?$|author|owner|reader|customer|sender|recipient", "Ada"),
        (r"last_name|family_name|surname", "Lovelace"),
        (r"file_?name|path$|directory|folder", "a/b.txt"),
        (r"host(_?name)?$|domain", "example.com"),
        (r"country_code|country$", "FR"),
        (r"language|locale", "en"),
        (r"currency", "EUR"),
        (r"city|town", "Paris"),
        (r"street|address", "1 Example Street"),
        (r"zip|postal", "75001"),
        (r"title|subject|topic", "An example"),
        (r"description|summary|comment|note|about", "A few words about it"),
        (r"message|text|content|body|greeting|query|question|prompt", "Hello"),
        (r"colou?r", "blue"),
        (r"version", "1.0"),
        (r"(^|_)date$|birth_?day", "2026-01-02"),
        (r"(^|_)time$|timestamp|_at$", TIMESTAMP),
        (r"(^|_)(id|key|code|number|isbn)$", "1"),
        (r"name$", "World"),
    )
]
_NUMBERS: Sequence[tuple[re.Pattern[str], int]] = [
    (re.compile(pattern), number)
    for pattern, number in (
        (r"(^|_)year$", 2026),
        (r"(^|_)age$", 42),
        (r"(^|_)port$", 8080),
        (r"(size|limit|pages?|length|width|height)$", 10),
        (r"count$|quantity", 3),
    )
]
# Well-known types that say nothing about their field.
_MESSAGES: dict[str, object] = {
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": "30s",
    "google.protobuf.FieldMask": "name",
    "google.protobuf.Value": "text",
}


def left_out(field: FieldDescriptor) -> bool:
    """Whether a first try is better off without a field."""
    return _TRYING.search(_snake(field.name)) is not None


def scalar(field: FieldDescriptor, harmless: bool) -> object:
    """A value of a field that is no message, in JSON. A `harmless` boolean is false."""
    if field.enum_type is not None:
        return enum_name(field.enum_type)
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return not harmless
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "SGVsbG8="  # Hello
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return text(field.name)
    if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return 1.5
    name = _snake(field.name)
    number = next((value for pattern, value in _NUMBERS if pattern.search(name)), 1)
    return str(number) if kind in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64) else number


def single(field: FieldDescriptor) -> object:
    """A harmless value for a field that fits into a path: a scalar, or a well-known type with a text form."""
    inner = field.message_type
    return scalar(field, True) if inner is None else well_known(inner, True)


def map_key(field: FieldDescriptor) -> str:
    """A key of a map, which is always text in JSON."""
    if field.type == FieldDescriptor.TYPE_STRING:
        return "key"
    return "true" if field.type == FieldDescriptor.TYPE_BOOL else "1"


def well_known(message: Descriptor, harmless: bool) -> object:
    """A value of a type whose JSON is not an object of its fields, and of HttpBody; None for all others."""
    name = message.full_name
    if json_kinds.is_wrapper(message):
        return scalar(message.fields_by_name["value"], harmless)
    if name == "google.protobuf.Struct":
        return {"key": "value"}
    if name == "google.protobuf.ListValue":
        return ["text", 1]
    if name == "google.protobuf.Any":
        return _any(message)
    if name == json_kinds.HTTP_BODY:
        return {"contentType": "text/plain", "data": "SGVsbG8="}
    return _MESSAGES.get(name)


def text(name: str) -> str:
    """A text for a field of this name."""
    spelled = _snake(name)
    return next((value for pattern, value in _TEXTS if pattern.search(spelled)), "text")


def enum_name(found: EnumDescriptor) -> str:
    """The first value that means something: neither zero nor deprecated, where there is one."""
    live = [value for value in found.values if not (value.has_options and value.GetOptions().deprecated)]
    return next((value.name for value in live if value.number), (live or found.values)[0].name)


def _any(message: Descriptor) -> object:
    try:
        message.file.pool.FindMessageTypeByName("google.protobuf.Duration")
    except KeyError:
        return {}
    return {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "30s"}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
