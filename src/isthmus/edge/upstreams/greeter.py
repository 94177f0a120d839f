"""The gRPC service helloworld.Greeter with server reflection: all four kinds of call, slow or failing when asked.

The schema is made here, so there is no generated code. Metadata that begins with `x-echo-` comes back twice: as
initial metadata and as trailers. The rule: a pause ends at once when the client goes away.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.edge.upstreams.grpc_server import GrpcServer
from isthmus.edge.upstreams.process import PemFiles, main
from isthmus.edge.upstreams.reflection_service import reflection_handlers

SERVICE = "helloworld.Greeter"


def _schema() -> FileDescriptorProto:
    file = FileDescriptorProto(name="helloworld.proto", package="helloworld", syntax="proto3")
    text, number = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_INT32
    request = {"name": text, "count": number, "delay_ms": number, "fail_with": number}
    file.message_type.append(_message("HelloRequest", request))
    file.message_type.append(_message("HelloReply", {"message": text, "served_by": text}))
    service = file.service.add(name="Greeter")
    for method, many_in, many_out in (
        ("SayHello", False, False),
        ("SayHelloStreamReply", False, True),
        ("SayHelloStreamRequest", True, False),
        ("SayHelloBidiStream", True, True),
    ):
        service.method.add(
            name=method,
            input_type=".helloworld.HelloRequest",
            output_type=".helloworld.HelloReply",
            client_streaming=many_in,
            server_streaming=many_out,
        )
    return file


def _message(name: str, fields: dict[str, FieldDescriptorProto.Type.ValueType]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for number, (field, kind) in enumerate(fields.items(), 1):
        message.field.add(name=field, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL)
    return message


def _pool() -> DescriptorPool:
    pool = DescriptorPool()  # a private one: the default pool belongs to the program that uses us
    pool.AddSerializedFile(_schema().SerializeToString())
    return pool


POOL = _pool()
HelloRequest: Any = message_factory.GetMessageClass(POOL.FindMessageTypeByName("helloworld.HelloRequest"))
HelloReply: Any = message_factory.GetMessageClass(POOL.FindMessageTypeByName("helloworld.HelloReply"))


class _Call:
    """One call: echoes its metadata at once, answers, and notices that its client has gone."""

    def __init__(self, context: grpc.ServicerContext, replica: str, on_cancelled: Callable[[], None]) -> None:
        self.answered = False
        self._context = context
        self._replica = replica
        self._on_cancelled = on_cancelled
        self._ended = threading.Event()
        if not context.add_callback(self._end):  # it has ended already
            self._end()
        echoed = tuple((key, value) for key, value in context.invocation_metadata() if key.startswith("x-echo-"))
        context.set_trailing_metadata(echoed)
        context.send_initial_metadata(echoed)

    def reply(self, name: str, request: Any) -> Any:
        """The answer, after the pause that the request asks for; nobody reads it when the client has gone."""
        if request.delay_ms:
            self._ended.wait(request.delay_ms / 1000)
        return HelloReply(message=f"Hello {name}", served_by=self._replica)

    def fail_if_asked(self, request: Any) -> None:
        """End the call with the status of `fail_with`."""
        if request.fail_with:
            self.answered = True
            status = _STATUS.get(request.fail_with, grpc.StatusCode.UNKNOWN)
            self._context.abort(status, f"asked to fail with {request.fail_with}")

    def _end(self) -> None:
        if not self.answered:
            self._on_cancelled()
        self._ended.set()


_STATUS = {status.value[0]: status for status in grpc.StatusCode if status is not grpc.StatusCode.OK}


def _say_hello(call: _Call, request: Any) -> Any:
    reply = call.reply(request.name, request)
    call.fail_if_asked(request)
    return reply


def _say_hello_stream_reply(call: _Call, request: Any) -> Iterator[Any]:
    for number in range(1, (request.count or 3) + 1):
        yield call.reply(f"{request.name} {number}", request)
    call.fail_if_asked(request)


def _say_hello_stream_request(call: _Call, requests: Iterator[Any]) -> Any:
    names, last = [], HelloRequest()
    for last in requests:
        call.fail_if_asked(last)
        names.append(last.name)
    return call.reply(", ".join(names), last)


def _say_hello_bidi_stream(call: _Call, requests: Iterator[Any]) -> Iterator[Any]:
    for request in requests:
        for _ in range(request.count or 1):
            yield call.reply(request.name, request)
        call.fail_if_asked(request)


class Greeter(GrpcServer):
    """A running server. `cancelled` gets the method of each call that its client gave up while an answer was due.

    A client stream that is cancelled between two answers is not told apart from one that has ended.
    """

    def __init__(self, host: str, replica: str) -> None:
        self.cancelled: queue.SimpleQueue[str] = queue.SimpleQueue()
        super().__init__(host, replica, (self._greeter(), *reflection_handlers(_pool(), (SERVICE,))))

    def _greeter(self) -> grpc.GenericRpcHandler:
        unary_unary, unary_stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        stream_unary, stream_stream = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        codec = (HelloRequest.FromString, HelloReply.SerializeToString)
        one, many = self._one, self._many
        methods = {
            "SayHello": unary_unary(one("SayHello", _say_hello), *codec),
            "SayHelloStreamReply": unary_stream(many("SayHelloStreamReply", _say_hello_stream_reply), *codec),
            "SayHelloStreamRequest": stream_unary(one("SayHelloStreamRequest", _say_hello_stream_request), *codec),
            "SayHelloBidiStream": stream_stream(many("SayHelloBidiStream", _say_hello_bidi_stream), *codec),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _one(self, method: str, answer: Callable[[_Call, Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            call = self._call(method, context)
            reply = answer(call, request)
            call.answered = True
            return reply

        return handle

    def _many(
        self, method: str, answer: Callable[[_Call, Any], Iterator[Any]]
    ) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
        def handle(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            call = self._call(method, context)
            yield from answer(call, request)
            call.answered = True

        return handle

    def _call(self, method: str, context: grpc.ServicerContext) -> _Call:
        return _Call(context, self.replica, lambda: self.cancelled.put(method))


def start(host: str = "127.0.0.1", port: int = 0, replica: str = "greeter-1", tls: PemFiles | None = None) -> Greeter:
    """Serve in threads of this process. Raises OSError."""
    greeter = Greeter(host, replica)
    greeter.listen(port, tls)
    return greeter


if __name__ == "__main__":
    sys.exit(main(start, "greeter-1"))
