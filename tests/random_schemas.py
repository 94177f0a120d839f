"""Random protobuf schemas and messages for hypothesis: fields of every kind, nested, recursive, proto2 and proto3."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message
from hypothesis import strategies as st

from isthmus.schema.model import Schema
from isthmus.schema.plan import make_schema

Field = FieldDescriptorProto
INTS = {
    Field.TYPE_INT32: (-(2**31), 2**31 - 1), Field.TYPE_SINT32: (-(2**31), 2**31 - 1),
    Field.TYPE_SFIXED32: (-(2**31), 2**31 - 1), Field.TYPE_UINT32: (0, 2**32 - 1), Field.TYPE_FIXED32: (0, 2**32 - 1),
    Field.TYPE_INT64: (-(2**63), 2**63 - 1), Field.TYPE_SINT64: (-(2**63), 2**63 - 1),
    Field.TYPE_SFIXED64: (-(2**63), 2**63 - 1), Field.TYPE_UINT64: (0, 2**64 - 1), Field.TYPE_FIXED64: (0, 2**64 - 1),
}  # fmt: skip
SCALARS = (*INTS, Field.TYPE_DOUBLE, Field.TYPE_FLOAT, Field.TYPE_BOOL, Field.TYPE_STRING, Field.TYPE_BYTES)
KEYS = (Field.TYPE_STRING, Field.TYPE_BOOL, Field.TYPE_INT32, Field.TYPE_UINT64)
WELL_KNOWN = {
    "Timestamp": "timestamp", "Duration": "duration", "FieldMask": "field_mask", "Struct": "struct", "Value": "struct",
    "ListValue": "struct", "Any": "any", "Empty": "empty", "Int64Value": "wrappers", "DoubleValue": "wrappers",
    "BoolValue": "wrappers", "StringValue": "wrappers", "BytesValue": "wrappers",
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def schemas(draw: st.DrawFn, without: tuple[str, ...] = ()) -> Schema:
    """A file with messages p.M0, p.M1..., an enum, and a service with a method for each message."""
    proto3 = draw(st.booleans())
    file = FileDescriptorProto(name="p.proto", package="p", syntax="proto3" if proto3 else "proto2")
    file.dependency.extend(f"google/protobuf/{name}.proto" for name in sorted(set(WELL_KNOWN.values())))
    enum = file.enum_type.add(name="E")
    for number in (0, 1, 5):
        enum.value.add(name=f"E{number}", number=number)
    names = [f"M{index}" for index in range(draw(st.integers(1, 3)))]
    kinds = [f".p.{name}" for name in names] + [f".google.protobuf.{n}" for n in WELL_KNOWN if n not in without]
    for name in names:
        message = file.message_type.add(name=name)
        for number in range(1, draw(st.integers(0, 6)) + 1):
            _add_field(draw, message, number, kinds, proto3)
    service = file.service.add(name="S")
    for name in names:
        service.method.add(name=f"Do{name}", input_type=f".p.{name}", output_type=f".p.{name}")
    made = make_schema([file.SerializeToString()])
    assert not made.problems, made.problems
    return made


def _add_field(draw: st.DrawFn, message: DescriptorProto, number: int, kinds: list[str], proto3: bool) -> None:
    field = message.field.add(name=f"a_field_{number}", number=number, label=Field.LABEL_OPTIONAL)
    form = draw(st.sampled_from(("single", "optional", "repeated", "map", "oneof", "required")))
    _give_type(draw, field, kinds)
    if form == "repeated":
        field.label = Field.LABEL_REPEATED
    elif form == "required" and not proto3 and field.type != Field.TYPE_MESSAGE:
        field.label = Field.LABEL_REQUIRED
    elif form == "oneof":
        if not message.oneof_decl:
            message.oneof_decl.add(name="choice")
        field.oneof_index = 0
    elif form == "map":
        entry = message.nested_type.add(name=f"AField{number}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=Field.LABEL_OPTIONAL, type=draw(st.sampled_from(KEYS)))
        value = entry.field.add(name="value", number=2, label=Field.LABEL_OPTIONAL, type=field.type)
        if field.type_name:
            value.type_name = field.type_name
        field.label, field.type = Field.LABEL_REPEATED, Field.TYPE_MESSAGE
        field.type_name = f".p.{message.name}.{entry.name}"


def _give_type(draw: st.DrawFn, field: FieldDescriptorProto, kinds: list[str]) -> None:
    what = draw(st.sampled_from(("scalar", "scalar", "enum", "message", "message")))
    if what == "scalar":
        field.type = draw(st.sampled_from(SCALARS))
    elif what == "enum":
        field.type, field.type_name = Field.TYPE_ENUM, ".p.E"
    else:
        field.type, field.type_name = Field.TYPE_MESSAGE, draw(st.sampled_from(kinds))


def random_message(draw: st.DrawFn, descriptor: Descriptor, depth: int = 3) -> Message:
    """A message with random fields set; what proto2 requires always is."""
    message: Any = message_factory.GetMessageClass(descriptor)()
    special = _well_known(draw, message, descriptor.full_name.removeprefix("google.protobuf."))
    if special:
        return message
    for field in descriptor.fields:
        if field.is_required or draw(st.booleans()):
            _fill(draw, message, field, depth)
    return message


def _fill(draw: st.DrawFn, message: Any, field: FieldDescriptor, depth: int) -> None:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        entries, value = getattr(message, field.name), inner.fields_by_name["value"]
        key = draw(_scalars(inner.fields_by_name["key"]))
        if value.message_type is None:
            entries[key] = draw(_scalars(value))
        elif depth:
            entries[key].CopyFrom(random_message(draw, value.message_type, depth - 1))
    elif inner is not None:
        if depth:
            made = random_message(draw, inner, depth - 1)
            target = getattr(message, field.name)
            (target.add() if field.is_repeated else target).CopyFrom(made)
            if not field.is_repeated:
                target.SetInParent()
    elif field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(_scalars(field), max_size=2)))
    else:
        setattr(message, field.name, draw(_scalars(field)))


def _scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type in INTS:
        return st.integers(*INTS[field.type])  # type: ignore[index]
    return {
        Field.TYPE_DOUBLE: st.floats(),
        # Near the largest float Envoy's shorter digits round to more than a float can hold.
        Field.TYPE_FLOAT: st.floats(-(2.0**120), 2.0**120, width=32) | st.sampled_from([math.inf, -math.inf, math.nan]),
        Field.TYPE_BOOL: st.booleans(),
        Field.TYPE_STRING: st.text(max_size=5),
        Field.TYPE_BYTES: st.binary(max_size=5),
        Field.TYPE_ENUM: st.sampled_from((0, 1, 5)),
    }[field.type]  # type: ignore[index]


def _well_known(draw: st.DrawFn, message: Any, name: str) -> bool:
    if name == "Timestamp":
        message.seconds, message.nanos = (
            draw(st.integers(-62135596800, 253402300799)),
            draw(st.sampled_from((0, 1, 10**8))),
        )
    elif name == "Duration":
        message.seconds = draw(st.integers(-315576000000, 315576000000))
        message.nanos = draw(st.sampled_from((0, 1, 5 * 10**8))) * (-1 if message.seconds < 0 else 1)
    elif name == "FieldMask":
        message.paths.extend(draw(st.lists(st.sampled_from(("a", "b.c", "a_field")), max_size=2)))
    elif name == "Struct":
        message.update(draw(st.dictionaries(st.text(max_size=3), JSON, max_size=2)))
    elif name == "ListValue":
        message.extend(draw(st.lists(JSON, max_size=2)))
    elif name == "Value":
        message.number_value = draw(st.floats(allow_nan=False, allow_infinity=False))
    elif name == "Any":
        if draw(st.booleans()):
            message.type_url, message.value = "type.googleapis.com/google.protobuf.Duration", b"\x08\x05"
    else:
        return False
    return True
