"""Asks a gRPC server for its descriptors by reflection, v1 or v1alpha, and trusts nothing that it says.

Descriptors are collected as bytes; only names and imports are read out of them here, by a scanner with strict bounds.
Rule: whatever the server does, asking costs at most the limits in time, bytes and messages.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import grpc
import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from isthmus.edge.grpc_client.wire import WireError, header_of
from isthmus.schema.model import Problem

VERSIONS = ("v1", "v1alpha")
_OWN = ("grpc.reflection.", "grpc.health.")
_NOT_FOUND = 5
_MOST_MESSAGES = 20_000

Metadata = Sequence[tuple[str, str | bytes]]


class Limits(NamedTuple):
    """What asking may cost: seconds and bytes in all."""

    seconds: float = 10.0
    size: int = 16 * 1024 * 1024


class Reflected(NamedTuple):
    """`services` are all that the server lists; `files` raw FileDescriptorProtos, in no order."""

    version: str
    services: tuple[str, ...]
    files: tuple[bytes, ...]
    problems: tuple[Problem, ...] = ()


class ReflectionError(Exception):
    """Why there is no schema; `kind` is unreachable, unimplemented, timeout, too-large, tls, protocol or refused."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def reflect(
    channel: grpc.aio.Channel,
    *,
    metadata: Metadata = (),
    services: Iterable[str] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Reflected:
    """Everything that the server says about its services. Raises ReflectionError."""
    return await _versions(channel, metadata, limits, lambda asker: _everything(asker, services))


async def list_services(
    channel: grpc.aio.Channel,
    *,
    metadata: Metadata = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Reflected:
    """Only the names of the services. Raises ReflectionError."""

    async def names(asker: _Asker) -> Reflected:
        return Reflected(asker.version, await asker.services(), ())

    return await _versions(channel, metadata, limits, names)


async def _versions(channel: grpc.aio.Channel, metadata: Metadata, limits: Limits, ask: Any) -> Reflected:
    try:
        async with asyncio.timeout(limits.seconds):
            for version in VERSIONS:
                asker = _Asker(channel, version, metadata, limits.size)
                try:
                    found: Reflected = await ask(asker)
                    return found
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNIMPLEMENTED or version == VERSIONS[-1]:
                        raise _explained(error) from None
                finally:
                    asker.cancel()
    except TimeoutError:
        took = f"the server took longer than {limits.seconds:g} s to describe itself"
        raise ReflectionError("timeout", took) from None
    raise AssertionError("the last version either answers or raises")


async def _everything(asker: _Asker, services: Iterable[str] | None) -> Reflected:
    listed = await asker.services()  # whatever is wanted: it says whether the server has this version
    listed = listed if services is None else tuple(services)
    problems: list[Problem] = []
    files: dict[bytes, str] = {}
    missing: set[str] = set()
    wanted: list[str] = []

    def take(bodies: Sequence[bytes]) -> None:
        for body in bodies:
            try:
                name, imports = header_of(body)
            except WireError as error:
                problems.append(Problem("invalid-file", "a file", str(error)))
                continue
            files.setdefault(body, name)
            wanted.extend(imports)

    for service in listed:
        if not service.startswith(_OWN):
            found = await asker.ask(file_containing_symbol=service)
            if isinstance(found, str):
                problems.append(Problem("missing-service", service, found))
            else:
                take(found)
    have = set(files.values())
    while wanted:
        name = wanted.pop()
        if name in have or name in missing or name.startswith("google/protobuf/"):
            continue
        found = await asker.ask(file_by_filename=name)
        if isinstance(found, str):
            missing.add(name)
            problems.append(Problem("missing-file", name, found))
        else:
            take(found)
            have.add(name)
            have.update(files.values())
    return Reflected(asker.version, listed, tuple(files), tuple(problems))


class _Asker:
    """Asks one version of reflection.

    The services are asked for in a call of their own, whose one message goes out with its start: a message that meets
    the end of a stream makes gRPC forget that the end said UNIMPLEMENTED.
    """

    def __init__(self, channel: grpc.aio.Channel, version: str, metadata: Metadata, size: int) -> None:
        self.version = version
        self._channel = channel
        self._method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        self._metadata = tuple(metadata)
        self._request, self._response = _messages(version)
        self._left = size
        self._messages = 0
        self._stream: Any = None

    async def services(self) -> tuple[str, ...]:
        """All services that the server lists."""
        call = self._channel.unary_stream(
            self._method, request_serializer=self._request.SerializeToString, response_deserializer=bytes
        )(self._request(list_services="*"), metadata=self._metadata)
        answer = await self._answer(call)
        call.cancel()
        if answer.HasField("error_response"):
            raise ReflectionError("protocol", f"the server does not list its services: {_words(answer)}")
        names = [each.name for each in answer.list_services_response.service]
        return tuple(dict.fromkeys(names[:_MOST_MESSAGES]))

    async def ask(self, **what: str) -> tuple[bytes, ...] | str:
        """The files that answer, or why there are none."""
        self._messages += 1
        if self._messages > _MOST_MESSAGES:
            raise ReflectionError("too-large", f"the schema needs more than {_MOST_MESSAGES} questions")
        if self._stream is None:
            self._stream = self._channel.stream_stream(
                self._method, request_serializer=self._request.SerializeToString, response_deserializer=bytes
            )(metadata=self._metadata)
        await self._stream.write(self._request(**what))
        answer = await self._answer(self._stream)
        if answer.HasField("error_response"):
            return _words(answer)
        return tuple(answer.file_descriptor_response.file_descriptor_proto)

    async def _answer(self, call: Any) -> Any:
        """The next answer of a call. Raises AioRpcError where there is none."""
        body = await call.read()
        if not isinstance(body, bytes):
            code = await call.code()
            raise grpc.aio.AioRpcError(
                code if code is not grpc.StatusCode.OK else grpc.StatusCode.INTERNAL,
                await call.initial_metadata(),
                await call.trailing_metadata(),
                await call.details() or "the server ended the stream",
            )
        self._left -= len(body)
        if self._left < 0:
            raise ReflectionError("too-large", "the server's descriptors are larger than the limit")
        try:
            return self._response.FromString(body)
        except DecodeError:
            raise ReflectionError("protocol", "the server's answer is no reflection message") from None

    def cancel(self) -> None:
        """End the stream."""
        if self._stream is not None:
            self._stream.cancel()


def _words(answer: Any) -> str:
    error = answer.error_response
    said = " ".join(error.error_message.split())[:200]
    return said or ("not found" if error.error_code == _NOT_FOUND else f"error {error.error_code}")


_KINDS = {
    grpc.StatusCode.UNIMPLEMENTED: "unimplemented",
    grpc.StatusCode.UNAVAILABLE: "unreachable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "timeout",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "too-large",
    grpc.StatusCode.UNAUTHENTICATED: "refused",
    grpc.StatusCode.PERMISSION_DENIED: "refused",
}


def _explained(error: grpc.aio.AioRpcError) -> ReflectionError:
    kind = _KINDS.get(error.code(), "protocol")
    details = " ".join((error.details() or "").split())[:300]
    if kind == "unimplemented":
        return ReflectionError(kind, "the server does not offer reflection, neither v1 nor v1alpha")
    if kind == "unreachable" and any(word in details.lower() for word in ("ssl", "tls", "certificate", "handshake")):
        kind = "tls"
    return ReflectionError(kind, f"{error.code().name}: {details}")


@functools.cache
def _messages(version: str) -> tuple[Any, Any]:
    """Request and response classes, from the fields of reflection.proto that are used here; in a private pool."""
    package = f"grpc.reflection.{version}"
    file = FileDescriptorProto(name=f"isthmus/{package}.proto", package=package, syntax="proto3")
    for message, fields in _SHAPES.items():
        made = file.message_type.add(name=message)
        if message in _CHOICES:
            made.oneof_decl.add(name=_CHOICES[message])
        for name, (number, kind, repeated) in fields.items():
            field = made.field.add(name=name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = kind
            if message in _CHOICES and name not in _OUTSIDE:
                field.oneof_index = 0
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    find = pool.FindMessageTypeByName
    request, response = find(f"{package}.ServerReflectionRequest"), find(f"{package}.ServerReflectionResponse")
    return message_factory.GetMessageClass(request), message_factory.GetMessageClass(response)


_TEXT, _BYTES, _INT = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_INT32
_CHOICES = {"ServerReflectionRequest": "message_request", "ServerReflectionResponse": "message_response"}
_OUTSIDE = ("host",)
# message -> field -> (number, type or message, repeated); source: grpc/reflection/v1/reflection.proto
_SHAPES: dict[str, dict[str, tuple[int, Any, bool]]] = {
    "ServerReflectionRequest": {
        "host": (1, _TEXT, False),
        "file_by_filename": (3, _TEXT, False),
        "file_containing_symbol": (4, _TEXT, False),
        "list_services": (7, _TEXT, False),
    },
    "FileDescriptorResponse": {"file_descriptor_proto": (1, _BYTES, True)},
    "ServiceResponse": {"name": (1, _TEXT, False)},
    "ListServiceResponse": {"service": (1, "ServiceResponse", True)},
    "ErrorResponse": {"error_code": (1, _INT, False), "error_message": (2, _TEXT, False)},
    "ServerReflectionResponse": {
        "file_descriptor_response": (4, "FileDescriptorResponse", False),
        "list_services_response": (6, "ListServiceResponse", False),
        "error_response": (7, "ErrorResponse", False),
    },
}
