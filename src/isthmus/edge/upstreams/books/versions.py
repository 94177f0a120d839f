"""The next version of the example library's API, made from its first: compatible, as APIs that live should be.

Version 2 adds a field (Book.subtitle), a method (CountBooks) and a rule (GET /v1/racks lists the shelves).
"""

from __future__ import annotations

from collections.abc import Iterable

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

VERSIONS = ("v1", "v2")
_FILE = "library.proto"
_SUBTITLE_NUMBER = 18


def version(files: Iterable[FileDescriptorProto], wanted: str) -> tuple[FileDescriptorProto, ...]:
    """The files, as version `wanted` has them."""
    return tuple(_second(file) if file.name == _FILE and wanted == "v2" else file for file in files)


def _second(first: FileDescriptorProto) -> FileDescriptorProto:
    file = FileDescriptorProto.FromString(first.SerializeToString())
    messages = {message.name: message for message in file.message_type}
    methods = {method.name: method for method in file.service[0].method}
    text, number = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_INT32
    optional = FieldDescriptorProto.LABEL_OPTIONAL
    messages["Book"].field.add(name="subtitle", number=_SUBTITLE_NUMBER, type=text, label=optional)
    file.message_type.add(name="CountBooksResponse").field.add(name="count", number=1, type=number, label=optional)

    methods["ListShelves"].options.Extensions[annotations_pb2.http].additional_bindings.add(get="/v1/racks")

    count = file.service[0].method.add(name="CountBooks")
    count.input_type, count.output_type = ".library.v1.ListBooksRequest", ".library.v1.CountBooksResponse"
    count.options.Extensions[annotations_pb2.http].get = "/v1/{parent=shelves/*}/books:count"
    return file
