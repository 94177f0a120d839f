"""gRPC servers whose reflection says whatever a test wants, and connections that misbehave below gRPC."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from isthmus.edge.grpc_client.channels import Target, open_channel

# Gets one request; its answers, as many as it likes, go back. It may abort the call by the context.
Script = Callable[[ServerReflectionRequest, grpc.ServicerContext], Iterable[bytes]]


@contextlib.contextmanager
def reflecting(script: Script, versions: Iterable[str] = ("v1",), per_stream: int | None = None) -> Iterator[str]:
    """A server that answers reflection by `script`; its address. It ends a stream after `per_stream` requests."""

    def answer(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        for request in itertools.islice(requests, per_stream):
            yield from script(ServerReflectionRequest.FromString(request), context)

    method = grpc.stream_stream_rpc_method_handler(answer)
    server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.max_send_message_length", -1),))
    for version in versions:
        handlers = {"ServerReflectionInfo": method}
        name = f"grpc.reflection.{version}.ServerReflection"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


@contextlib.asynccontextmanager
async def channel_to(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel as the product opens it."""
    async with open_channel(Target(address)) as channel:
        yield channel


def services(*names: str) -> bytes:
    """The answer to list_services."""
    response = ServerReflectionResponse()
    for name in names:
        response.list_services_response.service.add(name=name)
    return response.SerializeToString()


def files(*bodies: bytes) -> bytes:
    """An answer with files."""
    response = ServerReflectionResponse()
    response.file_descriptor_response.file_descriptor_proto.extend(bodies)
    return response.SerializeToString()


def error(code: int, message: str) -> bytes:
    """An answer that says no."""
    response = ServerReflectionResponse()
    response.error_response.error_code = code
    response.error_response.error_message = message
    return response.SerializeToString()


def file(name: str, *imports: str, size: int = 0) -> bytes:
    """A FileDescriptorProto with one service, Service; `size` is that of some ballast."""
    made = FileDescriptorProto(name=name, package=name.removesuffix(".proto"), dependency=imports, syntax="proto3")
    made.service.add(name="Service")
    if size:
        made.message_type.add(name="M" * size)
    return made.SerializeToString()


def catalogue(**contents: bytes) -> Script:
    """Serves files by package: a.Service is in a.proto."""

    def script(request: ServerReflectionRequest, _: grpc.ServicerContext) -> Iterable[bytes]:
        if request.list_services:
            return (services(*(f"{name}.Service" for name in contents)),)
        name = request.file_containing_symbol.removesuffix(".Service") or request.file_by_filename.removesuffix(
            ".proto"
        )
        return (files(contents[name]),) if name in contents else (error(5, f"no {name}"),)

    return script


@contextlib.contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[tuple[str, int]]:
    """A TCP server; `talk` gets each connection and an event that is set when the test is over."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            talk(connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (acceptor, *threads):
            thread.join()
