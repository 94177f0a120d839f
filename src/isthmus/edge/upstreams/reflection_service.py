"""Server reflection for the example servers: version v1, v1alpha, both or none, out of a private descriptor pool.

The library has v1alpha only; v1 is the same under another package. Where the descriptors were compiled from text,
they are answered with their comments.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection, reflection_pb2

_PACKAGES = {"v1alpha": "grpc.reflection.v1alpha", "v1": "grpc.reflection.v1"}
VERSIONS = ("both", "v1", "v1alpha", "none")


def reflection_handlers(
    pool: DescriptorPool,
    services: Iterable[str],
    versions: str = "both",
    files: Iterable[FileDescriptorProto] = (),
) -> Iterator[grpc.GenericRpcHandler]:
    """Handlers for `versions` (one of VERSIONS) that describe themselves and `services`.

    `pool` gets the descriptors of reflection; of `files`, comments are answered too.
    """
    wanted = [version for version in _PACKAGES if versions in (version, "both")]
    for version in wanted:
        pool.AddSerializedFile(_schema(version).SerializeToString())
    names = [f"{_PACKAGES[version]}.ServerReflection" for version in wanted]
    servicer = _Servicer((*services, *names), pool, files)
    method = grpc.stream_stream_rpc_method_handler(  # the messages of both versions are the same on the wire
        servicer.answer,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in names:
        yield grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})


def _schema(version: str) -> FileDescriptorProto:
    file = FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)
    old, new = f".{file.package}.", f".{_PACKAGES[version]}."
    file.name, file.package = f"grpc/reflection/{version}/reflection.proto", _PACKAGES[version]
    for field in (field for message in file.message_type for field in message.field if field.type_name):
        field.type_name = field.type_name.replace(old, new)
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(old, new)
        method.output_type = method.output_type.replace(old, new)
    return file


class _Servicer:
    """The library's answers; descriptors whose text is known are replaced by those with comments."""

    def __init__(self, services: tuple[str, ...], pool: DescriptorPool, files: Iterable[FileDescriptorProto]) -> None:
        self._library = reflection.ReflectionServicer(services, pool=pool)
        self._files = {file.name: file.SerializeToString() for file in files}
        self._pool = pool

    def answer(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        for response in self._library.ServerReflectionInfo(map(self._asked, requests), context):
            found = response.file_descriptor_response.file_descriptor_proto
            for index, file in enumerate(found):
                found[index] = self._files.get(FileDescriptorProto.FromString(file).name, file)
            yield response

    def _asked(self, request: Any) -> Any:
        """The pool knows no methods by name, and clients ask for them; a method is in the file of its service."""
        service, _, method = request.file_containing_symbol.rpartition(".")
        with contextlib.suppress(KeyError):
            self._pool.FindServiceByName(service).FindMethodByName(method)
            request.file_containing_symbol = service
        return request
