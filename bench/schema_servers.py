"""`python -m bench.schema_servers PORT METHODS NAME`: a grpcio server with reflection and a generated schema.

Every method takes and gives a message of its own with fields of several kinds, and has an HTTP rule: GET /NAME/m0/{id},
GET /NAME/m1/{id} and so on. All echo; `Chat`, of the first service, for as long as its caller likes. Names of two
servers differ, so that both can stand behind one port.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection

_METHODS_A_SERVICE = 20
_LONGEST_SECONDS, _PAUSE_SECONDS = 60.0, 0.005
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = (_FIELD.TYPE_INT64, _FIELD.TYPE_DOUBLE, _FIELD.TYPE_BOOL, _FIELD.TYPE_BYTES, _FIELD.TYPE_UINT32)


def path(index: int, name: str) -> str:
    """A method as gRPC calls it."""
    return f"/bench.{name}.S{index // _METHODS_A_SERVICE}/M{index}"


def chat(name: str) -> str:
    """The streaming method."""
    return f"/bench.{name}.S0/Chat"


def _files(methods: int, name: str) -> Iterator[descriptor_pb2.FileDescriptorProto]:
    """One file a service."""
    package = f"bench.{name}"
    for first in range(0, methods, _METHODS_A_SERVICE):
        file = descriptor_pb2.FileDescriptorProto(
            name=f"bench/{name}/{first}.proto",
            package=package,
            syntax="proto3",
            dependency=["google/api/annotations.proto"],
        )
        added = file.service.add(name=f"S{first // _METHODS_A_SERVICE}")
        for index in range(first, min(first + _METHODS_A_SERVICE, methods)):
            _message(file.message_type.add(name=f"Part{index}"))
            message = file.message_type.add(name=f"Message{index}")
            _message(message)
            message.field.add(
                name="parts", number=9, type=_FIELD.TYPE_MESSAGE, label=_FIELD.LABEL_REPEATED,
                type_name=f".{package}.Part{index}",
            )  # fmt: skip
            kind = f".{package}.Message{index}"
            method = added.method.add(name=f"M{index}", input_type=kind, output_type=kind)
            method.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(get=f"/{name}/m{index}/{{id}}"))
        if first == 0:
            added.method.add(
                name="Chat", client_streaming=True, server_streaming=True,
                input_type=f".{package}.Message0", output_type=f".{package}.Message0",
            )  # fmt: skip
        yield file


def _message(message: descriptor_pb2.DescriptorProto) -> None:
    message.field.add(name="id", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    for number, kind in enumerate(_SCALARS, 2):
        message.field.add(name=f"field_{number}", number=number, type=kind, label=_FIELD.LABEL_OPTIONAL)


def serve(port: int, methods: int, name: str) -> None:
    """Serve until SIGTERM."""
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, http_pb2.DESCRIPTOR, annotations_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    server = grpc.server(ThreadPoolExecutor(16), options=(("grpc.so_reuseport", 0),))
    names = []
    for file in _files(methods, name):
        pool.AddSerializedFile(file.SerializeToString())
        found = pool.FindServiceByName(f"{file.package}.{file.service[0].name}")
        names.append(found.full_name)
        handlers = {each.name: _handler(each.name == "Chat") for each in found.methods}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(found.full_name, handlers)])
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server, pool)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("serving", flush=True)
    signal.sigwait({signal.SIGTERM})
    os._exit(0)  # at once: what a crash and a quick restart look like to the gateway


def _handler(streams: bool) -> grpc.RpcMethodHandler[bytes, bytes]:
    """Echo bytes; requests and replies are of the same type."""
    if streams:
        return grpc.stream_stream_rpc_method_handler(_echo_all)
    return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


def _echo_all(requests: Iterable[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    yield from requests


@contextlib.contextmanager
def generated_server(port: int, methods: int, name: str = "generated") -> Iterator[None]:
    """The server as a process; it listens when the block begins and is gone when it ends."""
    argv = [sys.executable, "-m", "bench.schema_servers", str(port), str(methods), name]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "serving\n":
            raise RuntimeError(f"the server on port {port} did not start")
        yield
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def until_served(port: int, url: str) -> None:
    """Return when a gateway answers a GET with 200; asks every few milliseconds. Raises RuntimeError after a minute."""
    until = time.monotonic() + _LONGEST_SECONDS
    while (status := get(port, url)) != 200:
        if time.monotonic() > until:
            raise RuntimeError(f"{url} still answers {status} after {_LONGEST_SECONDS:g} s")
        time.sleep(_PAUSE_SECONDS)


def get(port: int, url: str) -> int:
    """The status of a GET on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", url)
        answer = connection.getresponse()
        answer.read()
        return answer.status


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before any thread begins, for sigwait
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
