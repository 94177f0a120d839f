"""One schema with many message types, made up by chance from a seed: fields of every kind, in every form."""

from __future__ import annotations

import random
from collections.abc import Callable

from google.protobuf import any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

Field = FieldDescriptorProto
PACKAGE = "many"
WELL_KNOWN = (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)
KNOWN_TYPES = [
    f".{known.DESCRIPTOR.package}.{name}" for known in WELL_KNOWN for name in known.DESCRIPTOR.message_types_by_name
]
SCALARS = tuple(
    kind for kind in Field.Type.values() if kind not in (Field.TYPE_GROUP, Field.TYPE_MESSAGE, Field.TYPE_ENUM)
)
KEYS = tuple(kind for kind in SCALARS if kind not in (Field.TYPE_DOUBLE, Field.TYPE_FLOAT, Field.TYPE_BYTES))
STEMS = ("a", "name", "big_number", "camelCase", "UPPER", "x1_2y", "trailing_", "double__line", "class")


def many_types(seed: int, count: int) -> FileDescriptorSet:
    """Messages many.T0, many.T1 ..., which may hold one another, and a service many.S.

    For each there is `EchoN`, which takes and gives one, and `WatchN`, which takes one and gives a stream.
    """
    made = FileDescriptorSet()
    for known in WELL_KNOWN:
        known.DESCRIPTOR.CopyToProto(made.file.add())
    file = made.file.add(name="many.proto", package=PACKAGE, syntax="proto3")
    file.dependency.extend(known.DESCRIPTOR.name for known in WELL_KNOWN)
    enum = file.enum_type.add(name="E")
    for number, name in ((0, "NONE"), (1, "one"), (5, "FIVE_5")):
        enum.value.add(name=name, number=number)
    service = file.service.add(name="S")
    maker = _Maker(random.Random(seed), [f".{PACKAGE}.T{index}" for index in range(count)])
    for index, name in enumerate(maker.names):
        maker.message(file, f"T{index}")
        service.method.add(name=f"Echo{index}", input_type=name, output_type=name)
        service.method.add(name=f"Watch{index}", input_type=name, output_type=name, server_streaming=True)
    return made


class _Maker:
    """Adds messages to a file; `names` are all that there will be."""

    def __init__(self, chance: random.Random, names: list[str]) -> None:
        self.names = names
        self._chance = chance

    def message(self, file: FileDescriptorProto, name: str) -> None:
        """One more, with up to twelve fields."""
        message = file.message_type.add(name=name)
        forms: tuple[Callable[[DescriptorProto, Field], None], ...] = (
            self._single, self._single, self._optional, self._repeated, self._map,
        )  # fmt: skip
        for number in range(1, self._chance.randint(3, 10)):
            self._chance.choice(forms)(message, self._field(message, number))
        if self._chance.random() < 0.5:
            message.oneof_decl.add(name="choice")
            for number in range(11, 14):
                self._choice(message, self._field(message, number))
        for field in message.field:  # what is optional is in a oneof of its own, after the real ones
            if field.proto3_optional:
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field.name}_")

    def _single(self, _: DescriptorProto, field: Field) -> None:
        pick = self._chance.random()
        if pick < 0.5:
            field.type = self._chance.choice(SCALARS)
        elif pick < 0.6:
            field.type, field.type_name = Field.TYPE_ENUM, f".{PACKAGE}.E"
        else:
            field.type = Field.TYPE_MESSAGE
            field.type_name = self._chance.choice(self.names if pick < 0.75 else KNOWN_TYPES)

    def _optional(self, message: DescriptorProto, field: Field) -> None:
        self._single(message, field)
        field.proto3_optional = field.type != Field.TYPE_MESSAGE

    def _repeated(self, message: DescriptorProto, field: Field) -> None:
        self._single(message, field)
        field.label = Field.LABEL_REPEATED

    def _map(self, message: DescriptorProto, field: Field) -> None:
        camel = "".join(f"{part[:1].upper()}{part[1:]}" for part in field.name.split("_"))
        entry = message.nested_type.add(name=f"{camel}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=Field.LABEL_OPTIONAL, type=self._chance.choice(KEYS))
        self._single(message, entry.field.add(name="value", number=2, label=Field.LABEL_OPTIONAL))
        field.label, field.type = Field.LABEL_REPEATED, Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"

    def _choice(self, message: DescriptorProto, field: Field) -> None:
        self._single(message, field)
        field.oneof_index = 0

    def _field(self, message: DescriptorProto, number: int) -> Field:
        name = f"{self._chance.choice(STEMS)}{number}"
        return message.field.add(name=name, number=number, label=Field.LABEL_OPTIONAL)
