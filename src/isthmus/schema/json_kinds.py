"""What protobuf's JSON mapping makes of single values: JSON Schemas of scalars, of enums and of well-known types.

From a field's kind alone; names, comments and nesting are not known here. Rule: everything that the mapping writes is
allowed, and of what it reads, the forms that are worth teaching (a 64-bit number may come as a number, too).
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

JsonSchema = dict[str, object]

NULL_VALUE = "google.protobuf.NullValue"
HTTP_BODY = "google.api.HttpBody"
_WRAPPERS = "google/protobuf/wrappers.proto"
_NUMBER = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_FLOATING = f"^(NaN|-?Infinity|{_NUMBER})$"
# The largest float, as it is written: a little more than it is.
_MOST_FLOAT = 3.4028235e38


def scalar(field: FieldDescriptor) -> JsonSchema:
    """The schema of one value of a field that is neither message nor enum."""
    return dict(_SCALARS[field.type])


def map_key(field: FieldDescriptor) -> JsonSchema | None:
    """What the keys of a map must look like; None when any text will do."""
    if field.type == FieldDescriptor.TYPE_STRING:
        return None
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"enum": ["true", "false"]}
    return {"pattern": "^[0-9]{1,20}$" if field.type in _UNSIGNED else "^-?[0-9]{1,19}$"}


def enum(found: EnumDescriptor) -> JsonSchema:
    """By name; by number, too. A closed enum takes only the numbers that it has."""
    names: JsonSchema = {"type": "string", "enum": [value.name for value in found.values]}
    if found.is_closed:
        return {"anyOf": [names, {"type": "integer", "enum": sorted({value.number for value in found.values})}]}
    return {"anyOf": [names, dict(_INT32)]}


def well_known(message: Descriptor) -> JsonSchema | None:
    """The schema of a type whose JSON is not an object of its fields; None for all others."""
    if is_wrapper(message):
        return scalar(message.fields_by_name["value"])
    found = _WELL_KNOWN.get(message.full_name)
    return None if found is None else dict(found)


def is_wrapper(message: Descriptor) -> bool:
    """Whether it is one of google.protobuf's wrappers, such as Int64Value."""
    return message.file.name == _WRAPPERS


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map; its message then has the fields `key` and `value`."""
    message = field.message_type
    return message is not None and field.is_repeated and message.has_options and message.GetOptions().map_entry


def has_text(field: FieldDescriptor) -> bool:
    """Whether one value of a field can be written as text, in a path or a query."""
    message = field.message_type
    if message is None:
        return field.enum_type is None or field.enum_type.full_name != NULL_VALUE
    return is_wrapper(message) or message.full_name in _WITH_TEXT


def nullable(schema: JsonSchema) -> JsonSchema:
    """The same, or null. Takes schemas that have a `type` or an `anyOf`."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return {**schema, "type": [*kind, "null"]}
    return {**schema, "type": [kind, "null"]}


_INT32: JsonSchema = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
_UINT32: JsonSchema = {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 2**32 - 1}
_INT64: JsonSchema = {
    "type": ["string", "integer"],
    "format": "int64",
    "pattern": "^-?[0-9]{1,19}$",
    "minimum": -(2**63),
    "maximum": 2**63 - 1,
}
_UINT64: JsonSchema = {
    "type": ["string", "integer"],
    "format": "uint64",
    "pattern": "^[0-9]{1,20}$",
    "minimum": 0,
    "maximum": 2**64 - 1,
}
_SCALARS: Mapping[int, JsonSchema] = {
    FieldDescriptor.TYPE_DOUBLE: {"type": ["number", "string"], "format": "double", "pattern": _FLOATING},
    FieldDescriptor.TYPE_FLOAT: {
        "type": ["number", "string"],
        "format": "float",
        "pattern": _FLOATING,
        "minimum": -_MOST_FLOAT,
        "maximum": _MOST_FLOAT,
    },
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": "^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2,3})?={0,2}$",
    },
}
_UNSIGNED = frozenset(
    {
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_FIXED64,
    }
)
_WELL_KNOWN: Mapping[str, JsonSchema] = {
    "google.protobuf.Timestamp": {
        "type": "string",
        "format": "date-time",
        "description": "A point in time, as RFC 3339 has it.",
        "examples": ["2026-01-02T03:04:05Z"],
    },
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$",
        "description": "Seconds, with up to nine decimals and an `s`.",
        "examples": ["1.5s"],
    },
    "google.protobuf.FieldMask": {
        "type": "string",
        "pattern": "^[^_]*$",
        "description": "Names of fields in lowerCamelCase, separated by commas.",
        "examples": ["title,author.name"],
    },
    "google.protobuf.Struct": {"type": "object", "description": "Any JSON object."},
    "google.protobuf.Value": {"description": "Any JSON value."},
    "google.protobuf.ListValue": {"type": "array", "items": {}, "description": "Any JSON array."},
    "google.protobuf.Any": {
        "type": "object",
        "description": "A message of any type: its fields beside `@type`, or its `value` if its JSON is no object.",
        "properties": {"@type": {"type": "string", "examples": ["type.googleapis.com/google.protobuf.Duration"]}},
        "if": {"minProperties": 1},
        "then": {"required": ["@type"]},
    },
}
_WITH_TEXT = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"})
