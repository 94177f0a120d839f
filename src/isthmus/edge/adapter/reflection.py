"""One reflection service over many schemas, so that a host's whole offer is seen in one place; versions v1 and v1alpha.

Which schemas a request is for is in its metadata, which Envoy writes. Rule: a file is answered with all that it
imports from its own schema, so two servers' files of one name never mix: that of the symbol asked for wins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.edge.adapter.reflection_schema import VERSIONS, reflection_pool, request_class, response_class
from isthmus.edge.adapter.schemas import Schemas
from isthmus.edge.message_classes import classes_within
from isthmus.schema.status import INVALID_ARGUMENT, NOT_FOUND, RefusedError

_METADATA = "x-isthmus-schemas"
_MOST_SCHEMAS = 256


class ReflectionServer:
    """A gRPC server on a Unix socket."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._own = reflection_pool()
        self._request, self._response = request_class(self._own), response_class(self._own)
        self._classes = classes_within(self._request, self._response)  # schemas load in threads
        self._server = grpc.aio.server()
        for version in VERSIONS:
            method = grpc.stream_stream_rpc_method_handler(
                self._answer,
                self._request.FromString,
                self._response.SerializeToString,
            )
            service = f"grpc.reflection.{version}.ServerReflection"
            handler = grpc.method_handlers_generic_handler(service, {"ServerReflectionInfo": method})
            self._server.add_generic_rpc_handlers((handler,))

    async def start(self, path: str) -> None:
        """Listen. Raises OSError."""
        try:
            self._server.add_insecure_port(f"unix:{path}")
        except RuntimeError as error:
            raise OSError(str(error)) from None
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Let what runs end within `grace` seconds, then cut it."""
        await self._server.stop(grace)

    async def _answer(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        digests = [
            digest
            for name, value in context.invocation_metadata()
            if name == _METADATA
            for digest in value.split(",")
            if digest.strip()
        ]
        view = await self._view([digest.strip() for digest in digests[:_MOST_SCHEMAS]])
        async for request in requests:
            response = self._response(valid_host=request.host, original_request=request)
            try:
                view.fill(request, response)
            except LookupError as error:
                response.error_response.error_code = NOT_FOUND
                response.error_response.error_message = f"not found: {error.args[0]}"
            except RefusedError as error:
                response.error_response.error_code = error.status.code
                response.error_response.error_message = error.status.message
            yield response

    async def _view(self, digests: Sequence[str]) -> _View:
        """Schemas that are not there, yet or any more, are left out: the others are still worth seeing."""
        pools: list[DescriptorPool] = []
        services: list[str] = []
        for digest in dict.fromkeys(digests):
            try:
                loaded = await self._schemas.load(digest)
            except RefusedError:
                continue
            pools.append(loaded.pool)
            services += loaded.schema.services
        own = [f"grpc.reflection.{version}.ServerReflection" for version in VERSIONS]
        return _View([*pools, self._own], sorted({*services, *own}))


class _View:
    """What one stream sees."""

    def __init__(self, pools: Sequence[DescriptorPool], services: Sequence[str]) -> None:
        self._pools = list(pools)
        self._services = services

    def fill(self, request: Any, response: Any) -> None:
        """Answer a request. Raises LookupError (unknown), RefusedError."""
        kind = request.WhichOneof("message_request")
        if kind == "list_services":
            for name in self._services:
                response.list_services_response.service.add(name=name)
        elif kind == "file_by_filename":
            name = request.file_by_filename
            _put(response, self._find(lambda pool: pool.FindFileByName(name), name))
        elif kind == "file_containing_symbol":
            symbol = request.file_containing_symbol
            _put(response, self._find(lambda pool: _file_of(pool, symbol), symbol))
        elif kind == "file_containing_extension":
            asked = request.file_containing_extension
            what = f"extension {asked.extension_number} of {asked.containing_type}"
            _put(response, self._find(lambda pool: _extension(pool, asked), what))
        elif kind == "all_extension_numbers_of_type":
            self._numbers(request.all_extension_numbers_of_type, response.all_extension_numbers_response)
        else:
            raise RefusedError("the request asks for nothing", INVALID_ARGUMENT)

    def _find(self, look: Any, what: str) -> FileDescriptor:
        """In the schema that answered last first: a file asked for by name is then the one that belongs to it."""
        for pool in self._pools:
            try:
                found: FileDescriptor = look(pool)
            except KeyError:
                continue
            self._pools.remove(pool)
            self._pools.insert(0, pool)
            return found
        raise LookupError(what)

    def _numbers(self, name: str, response: Any) -> None:
        numbers: set[int] = set()
        known = False
        for pool in self._pools:
            try:
                message = pool.FindMessageTypeByName(name)
            except KeyError:
                continue
            known = True
            numbers.update(each.number for each in pool.FindAllExtensions(message))
        if not known:
            raise LookupError(name)
        response.base_type_name = name
        response.extension_number.extend(sorted(numbers))


def _file_of(pool: DescriptorPool, symbol: str) -> FileDescriptor:
    """The file that defines a symbol, a method or a field too, which protobuf does not look for. Raises KeyError."""
    try:
        return pool.FindFileContainingSymbol(symbol)
    except KeyError:
        parent, _, name = symbol.rpartition(".")
    service = _or_none(pool.FindServiceByName, parent)
    message = _or_none(pool.FindMessageTypeByName, parent)
    inside: FileDescriptor
    if service is not None and name in service.methods_by_name:
        inside = service.file
    elif message is not None and (name in message.fields_by_name or name in message.oneofs_by_name):
        inside = message.file
    else:
        raise KeyError(symbol)
    return inside


def _or_none(look: Callable[[str], Any], name: str) -> Any:
    try:
        return look(name)
    except KeyError:
        return None


def _extension(pool: Any, asked: Any) -> FileDescriptor:
    message = pool.FindMessageTypeByName(asked.containing_type)
    file: FileDescriptor = pool.FindExtensionByNumber(message, asked.extension_number).file
    return file


def _put(response: Any, file: FileDescriptor) -> None:
    """A file, then all that it imports."""
    done: set[str] = set()
    pending = [file]
    while pending:
        each = pending.pop(0)
        if each.name not in done:
            done.add(each.name)
            response.file_descriptor_response.file_descriptor_proto.append(each.serialized_pb)
            pending += each.dependencies
