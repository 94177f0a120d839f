"""Descriptors for tests, made without a compiler, so that they may also be what no compiler would write."""

from __future__ import annotations

from collections.abc import Iterable

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

File = FileDescriptorProto
HTTP = "google/api/annotations.proto"
TYPES = {"string": 9, "int32": 5, "bytes": 12, "bool": 8}


def a_file(name: str, package: str = "", *, imports: Iterable[str] = (), syntax: str = "proto3") -> File:
    """A file without content; its package is its name without the ending, unless given."""
    return File(name=name, package=package or name.removesuffix(".proto"), syntax=syntax, dependency=list(imports))


def field(message: DescriptorProto, name: str, kind: str = "string", *, repeated: bool = False) -> FieldDescriptorProto:
    """Add a field; `kind` is a scalar's name or a full name such as .p.M."""
    made = message.field.add(name=name, number=len(message.field) + 1, label=3 if repeated else 1)
    if kind.startswith("."):
        made.type, made.type_name = 11, kind
    else:
        made.type = TYPES[kind]  # type: ignore[assignment]
    return made


def service(file: File, name: str, methods: dict[str, http_pb2.HttpRule | None], message: str = "M") -> File:
    """Add a service whose methods take and give a message, which is added too if the file has none of that name."""
    if message not in (each.name for each in file.message_type):
        file.message_type.add(name=message)
    made = file.service.add(name=name)
    for method, rule in methods.items():
        full = f".{file.package}.{message}"
        options = made.method.add(name=method, input_type=full, output_type=full).options
        if rule is not None:
            options.Extensions[annotations_pb2.http].CopyFrom(rule)
    return file


def get(path: str, **more: object) -> http_pb2.HttpRule:
    """A rule for GET."""
    return http_pb2.HttpRule(get=path, **more)  # type: ignore[arg-type]


def simple(name: str, *imports: str) -> File:
    """A file with a service S of one method; it needs only what it imports."""
    return service(a_file(name, imports=imports), "S", {"Do": None})


def raw(*files: File) -> tuple[bytes, ...]:
    """As a server sends them."""
    return tuple(file.SerializeToString() for file in files)
