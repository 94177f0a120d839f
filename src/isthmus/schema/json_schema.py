"""JSON Schema (2020-12) of protobuf messages, as protobuf's JSON mapping reads and writes them.

Messages and enums become definitions that refer to each other, so recursion and sharing cost nothing. Knows nothing of
HTTP or OpenAPI. Rule: whatever the mapping writes for a message, the message's schema allows.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor
from msgspec import Struct

from isthmus.schema import json_kinds
from isthmus.schema.json_kinds import JsonSchema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXTENSION = r"^\[[A-Za-z0-9._]+\]$"  # how JSON spells a proto2 extension

FieldPath = tuple[str, ...]  # protobuf's names of fields, from the outside


def message_schema(
    descriptor: Descriptor, *, comments: Mapping[str, str] | None = None, preserve_names: bool = False
) -> JsonSchema:
    """A JSON Schema document for one message; the messages that it holds are in its `$defs`.

    `comments` are by full name (descriptors.comments). `preserve_names` spells fields as the .proto file does.
    """
    definitions = Definitions(comments or {}, preserve_names=preserve_names)
    root = definitions.message(descriptor)
    found = definitions.complete()
    return {"$schema": DIALECT, **root, **({"$defs": found} if found else {})}


class Traits(Struct, frozen=True, gc=False):
    """What a field's options say about it: deprecation, and google.api.field_behavior."""

    deprecated: bool = False
    required: bool = False
    output_only: bool = False
    input_only: bool = False


def traits(field: FieldDescriptor) -> Traits:
    """The traits of a field, whatever pool it is from. `required` is what the API asks for; proto2's is apart."""
    if not field.has_options:
        return Traits()
    options = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString())
    behaviors = set(options.Extensions[field_behavior_pb2.field_behavior])
    return Traits(
        deprecated=options.deprecated,
        required=field_behavior_pb2.REQUIRED in behaviors,
        output_only=field_behavior_pb2.OUTPUT_ONLY in behaviors,
        input_only=field_behavior_pb2.INPUT_ONLY in behaviors,
    )


class Definitions:
    """Schemas of messages and enums, each made once, under the address `prefix`.

    A message that is not `closed` may have fields that its schema does not know, as answers of newer servers have.
    """

    def __init__(
        self,
        comments: Mapping[str, str],
        *,
        preserve_names: bool = False,
        prefix: str = "#/$defs/",
        closed: bool = True,
    ) -> None:
        self._comments = comments
        self._preserve_names = preserve_names
        self._prefix = prefix
        self._closed = closed
        self._pending: dict[str, Descriptor | EnumDescriptor] = {}
        self._made: dict[str, JsonSchema] = {}

    def complete(self) -> dict[str, JsonSchema]:
        """All that was referred to so far, by full name, in order of the names."""
        while self._pending:  # a list and not recursion: types can be nested as deep as a server likes
            name, found = self._pending.popitem()
            self._made[name] = self._object(found, ()) if isinstance(found, Descriptor) else self._enum(found)
        return dict(sorted(self._made.items()))

    def name(self, field: FieldDescriptor) -> str:
        """How JSON spells a field."""
        return field.name if self._preserve_names else field.json_name

    def message(self, descriptor: Descriptor) -> JsonSchema:
        """The schema of a message: mostly a reference."""
        return json_kinds.well_known(descriptor) or self._reference(descriptor)

    def without(self, descriptor: Descriptor, paths: Collection[FieldPath]) -> JsonSchema:
        """The schema of a message, but for the fields at these paths."""
        if not paths or json_kinds.well_known(descriptor) is not None:
            return self.message(descriptor)
        return self._object(descriptor, paths)

    def field(self, field: FieldDescriptor) -> JsonSchema:
        """The schema of a field: with its comment, and an array or object if it is repeated or a map."""
        found = self._plain(field)
        if field.message_type is not None and json_kinds.is_wrapper(field.message_type) and not field.is_repeated:
            found = json_kinds.nullable(found)
        return self._described(field, found)

    def value(self, field: FieldDescriptor) -> JsonSchema:
        """The schema of one value of a field, without its comment."""
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            if field.enum_type.full_name == json_kinds.NULL_VALUE:
                return {"enum": [None, "NULL_VALUE"]}
            return self._reference(field.enum_type)
        return json_kinds.scalar(field)

    def _plain(self, field: FieldDescriptor) -> JsonSchema:
        if json_kinds.is_map(field) and field.message_type is not None:
            fields = field.message_type.fields_by_name
            keys = json_kinds.map_key(fields["key"])
            found: JsonSchema = {"type": "object", "additionalProperties": self.value(fields["value"])}
            return found if keys is None else {**found, "propertyNames": keys}
        if field.is_repeated:
            return {"type": "array", "items": self.value(field)}
        return self.value(field)

    def _described(self, field: FieldDescriptor, found: JsonSchema) -> JsonSchema:
        about = traits(field)
        comment = self._comments.get(field.full_name, "")
        if about.required:
            comment = f"{comment}\n\nRequired.".strip()
        if comment:
            found = {**found, "description": comment}
        if field.has_default_value and not field.is_repeated and field.message_type is None:
            found = {**found, "default": _default(field)}
        marks = {"deprecated": about.deprecated, "readOnly": about.output_only, "writeOnly": about.input_only}
        return {**found, **{mark: True for mark, holds in marks.items() if holds}}

    def _object(self, descriptor: Descriptor, missing: Collection[FieldPath]) -> JsonSchema:
        here = {path[0] for path in missing if len(path) == 1}
        fields = [field for field in descriptor.fields if field.name not in here]
        found: JsonSchema = {"type": "object"}
        if comment := self._comments.get(descriptor.full_name, ""):
            found["description"] = comment
        if fields:
            found["properties"] = {self.name(field): self._property(field, missing) for field in fields}
        if required := [self.name(field) for field in fields if field.is_required]:
            found["required"] = required
        choices = [self._choice(oneof, here) for oneof in descriptor.oneofs]
        if any(choices):
            found["allOf"] = [choice for choice in choices if choice]
        if self._closed:
            found["additionalProperties"] = False
            if descriptor.is_extendable:
                found["patternProperties"] = {_EXTENSION: {}}
        if descriptor.has_options and descriptor.GetOptions().deprecated:
            found["deprecated"] = True
        return found

    def _property(self, field: FieldDescriptor, missing: Iterable[FieldPath]) -> JsonSchema:
        below = {path[1:] for path in missing if path[0] == field.name and len(path) > 1}
        if not below or field.message_type is None or field.is_repeated:
            return self.field(field)
        return self._described(field, self.without(field.message_type, below))

    def _choice(self, oneof: OneofDescriptor, missing: Collection[str]) -> JsonSchema | None:
        """At most one of the members: linear in their number, which pairs would not be."""
        names = [self.name(field) for field in oneof.fields if field.name not in missing]
        if len(names) < 2:
            return None
        some: Sequence[JsonSchema] = [{"title": name, "required": [name]} for name in names]
        none: JsonSchema = {"title": "none", "not": {"anyOf": [{"required": [name]} for name in names]}}
        return {"description": f"At most one of {', '.join(names)}.", "oneOf": [*some, none]}

    def _enum(self, found: EnumDescriptor) -> JsonSchema:
        comment = self._comments.get(found.full_name, "")
        lines = [line for value in found.values if (line := self._value_line(found, value.name))]
        text = "\n\n".join(part for part in (comment, "\n".join(lines)) if part)
        schema = json_kinds.enum(found)
        return {"description": text, **schema} if text else schema

    def _value_line(self, found: EnumDescriptor, name: str) -> str:
        value = found.values_by_name[name]
        comment = " ".join(self._comments.get(f"{found.full_name}.{name}", "").split())
        mark = "(deprecated)" if value.has_options and value.GetOptions().deprecated else ""
        about = " ".join(part for part in (mark, comment) if part)
        return f"- `{name}`: {about}" if about else ""

    def _reference(self, found: Descriptor | EnumDescriptor) -> JsonSchema:
        if found.full_name not in self._made:
            self._pending[found.full_name] = found
        return {"$ref": self._prefix + found.full_name}


def _default(field: FieldDescriptor) -> object:
    """The default that a proto2 file gives, in JSON."""
    value = field.default_value
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64encode(value).decode()
    if field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
