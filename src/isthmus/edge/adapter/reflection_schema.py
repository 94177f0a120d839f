"""The descriptors of grpc.reflection v1 and v1alpha, made here: the library that has them is no dependency at run time.

Source: grpc/reflection/v1/reflection.proto. Both versions are the same on the wire, so one pair of classes serves both.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

VERSIONS = ("v1", "v1alpha")
_TEXT, _BYTES, _INT = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_INT32
# message -> field -> (number, type or message, repeated)
_SHAPES: dict[str, dict[str, tuple[int, FieldDescriptorProto.Type.ValueType | str, bool]]] = {
    "ServerReflectionRequest": {
        "host": (1, _TEXT, False),
        "file_by_filename": (3, _TEXT, False),
        "file_containing_symbol": (4, _TEXT, False),
        "file_containing_extension": (5, "ExtensionRequest", False),
        "all_extension_numbers_of_type": (6, _TEXT, False),
        "list_services": (7, _TEXT, False),
    },
    "ExtensionRequest": {"containing_type": (1, _TEXT, False), "extension_number": (2, _INT, False)},
    "ServerReflectionResponse": {
        "valid_host": (1, _TEXT, False),
        "original_request": (2, "ServerReflectionRequest", False),
        "file_descriptor_response": (4, "FileDescriptorResponse", False),
        "all_extension_numbers_response": (5, "ExtensionNumberResponse", False),
        "list_services_response": (6, "ListServiceResponse", False),
        "error_response": (7, "ErrorResponse", False),
    },
    "FileDescriptorResponse": {"file_descriptor_proto": (1, _BYTES, True)},
    "ExtensionNumberResponse": {"base_type_name": (1, _TEXT, False), "extension_number": (2, _INT, True)},
    "ListServiceResponse": {"service": (1, "ServiceResponse", True)},
    "ServiceResponse": {"name": (1, _TEXT, False)},
    "ErrorResponse": {"error_code": (1, _INT, False), "error_message": (2, _TEXT, False)},
}
_CHOICES = {"ServerReflectionRequest": "message_request", "ServerReflectionResponse": "message_response"}
_OUTSIDE = ("host", "valid_host", "original_request")


def reflection_pool() -> DescriptorPool:
    """A private pool with both versions."""
    pool = DescriptorPool()
    for version in VERSIONS:
        pool.AddSerializedFile(_file(version).SerializeToString())
    return pool


def request_class(pool: DescriptorPool) -> Any:
    """The class of ServerReflectionRequest, for both versions."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.reflection.v1.ServerReflectionRequest"))


def response_class(pool: DescriptorPool) -> Any:
    """The class of ServerReflectionResponse, for both versions."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.reflection.v1.ServerReflectionResponse"))


def _file(version: str) -> FileDescriptorProto:
    package = f"grpc.reflection.{version}"
    file = FileDescriptorProto(name=f"grpc/reflection/{version}/reflection.proto", package=package, syntax="proto3")
    for message, fields in _SHAPES.items():
        made = file.message_type.add(name=message)
        if message in _CHOICES:
            made.oneof_decl.add(name=_CHOICES[message])
        for name, (number, kind, repeated) in fields.items():
            label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            field = made.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = kind
            if message in _CHOICES and name not in _OUTSIDE:
                field.oneof_index = 0
    service = file.service.add(name="ServerReflection")
    service.method.add(
        name="ServerReflectionInfo",
        input_type=f".{package}.ServerReflectionRequest",
        output_type=f".{package}.ServerReflectionResponse",
        client_streaming=True,
        server_streaming=True,
    )
    return file
