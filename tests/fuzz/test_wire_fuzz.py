"""Whatever bytes a server sends, the scanner agrees with protobuf or refuses, and raises nothing else."""

from __future__ import annotations

import contextlib

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.edge.grpc_client.reflection_messages import answer
from isthmus.edge.grpc_client.wire import Budget, WireError, header_of

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_FILES = st.builds(
    FileDescriptorProto,
    name=_TEXT.filter(bool),
    package=_TEXT,
    dependency=st.lists(_TEXT, max_size=4),
    public_dependency=st.lists(st.integers(0, 3), max_size=3),
    syntax=st.sampled_from(["proto2", "proto3"]),
).map(lambda file: file.SerializeToString())


@st.composite
def _broken(draw: st.DrawFn) -> bytes:
    """A good message with some bytes changed, put in or cut off."""
    data = bytearray(draw(_FILES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


@given(_FILES)
def test_good_files_are_read_as_protobuf_reads_them(data: bytes) -> None:
    file = FileDescriptorProto.FromString(data)
    assert header_of(data, Budget()) == (file.name, tuple(file.dependency))


@settings(max_examples=500)
@given(_broken() | st.binary(max_size=60))
def test_whatever_is_taken_protobuf_takes_or_something_inside_is_wrong(data: bytes) -> None:
    with contextlib.suppress(WireError):
        name, imports = header_of(data, Budget())
        with contextlib.suppress(DecodeError):
            file = FileDescriptorProto.FromString(data)
            assert (file.name, tuple(file.dependency)) == (name, imports)


@settings(max_examples=500)
@given(st.binary(max_size=80))
def test_answers_never_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(WireError):
        answer(data, Budget(100))


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5), st.lists(_TEXT, min_size=1, max_size=5))
def test_good_answers_are_read_as_they_were_written(files: list[bytes], names: list[str]) -> None:
    response = ServerReflectionResponse(valid_host="h")
    response.original_request.host = "h"
    response.file_descriptor_response.file_descriptor_proto.extend(files)
    assert answer(response.SerializeToString(), Budget()).files == tuple(files)
    for name in names:
        response.list_services_response.service.add(name=name)
    assert answer(response.SerializeToString(), Budget()).services == tuple(names)
