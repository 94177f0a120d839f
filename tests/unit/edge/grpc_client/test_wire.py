"""Names and imports are read out of descriptors as protobuf reads them, and nothing else is."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from isthmus.edge.grpc_client import reflection_messages as messages
from isthmus.edge.grpc_client.wire import Budget, TooManyError, WireError, header_of


def test_a_real_descriptor():
    file = FileDescriptorProto(name="a/b.proto", package="a", dependency=["c.proto", "d/ü.proto"], syntax="proto3")
    file.message_type.add(name="M").field.add(name="f", number=1)
    file.public_dependency.append(0)
    assert header_of(file.SerializeToString(), Budget()) == ("a/b.proto", ("c.proto", "d/ü.proto"))


def test_the_last_name_counts_as_in_protobuf():
    twice = b"\n\x01a\n\x01b"
    assert FileDescriptorProto.FromString(twice).name == header_of(twice, Budget())[0] == "b"


BAD = {
    "empty": b"",
    "no name": b"\x12\x01a",
    "cut in a tag": b"\n\x01a\x80",
    "cut in a length": b"\n",
    "longer than the file": b"\n\x05a",
    "cut in a fixed field": b"\n\x01a\x39\x01",
    "a group": b"\n\x01a\x13",
    "wire type 7": b"\n\x01a\x17",
    "endless varint": b"\n\x01a\x20" + b"\xff" * 11,
    "not UTF-8": b"\n\x01\xff",
    "long name": b"\n\x81\x20" + b"a" * 4097,
    "many imports": b"\n\x01a" + b"\x1a\x01b" * 5_001,
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_descriptor(data):
    with pytest.raises(WireError):
        header_of(data, Budget())


def test_fields_are_counted_over_everything():
    budget = Budget(5)
    header_of(b"\n\x01a" * 3, budget)
    with pytest.raises(TooManyError):
        header_of(b"\n\x01a" * 3, budget)


@pytest.mark.parametrize("name", ["a.B", "x" * 500, "ü"])
def test_questions(name):
    for kind, field in (
        (messages.LIST_SERVICES, "list_services"),
        (messages.FILE_OF_SYMBOL, "file_containing_symbol"),
        (messages.FILE_BY_NAME, "file_by_filename"),
    ):
        asked = ServerReflectionRequest.FromString(messages.question(kind, name))
        assert asked == ServerReflectionRequest(**{field: name})
