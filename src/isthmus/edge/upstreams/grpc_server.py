"""What the gRPC example servers have in common: listening and stopping, handlers made from a schema, metadata echoed.

May not know what is served. The rule: a pause ends at once when the client goes away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor

from isthmus.edge.upstreams.process import PemFiles

GOT_METADATA = "x-got-metadata"
_ECHOED = ("x-echo-", "md-", "http-")
_MOST_CALLS = 512  # at a time; each holds a thread
_GRACE_SECONDS = 2.0
_STATUS = {status.value[0]: status for status in grpc.StatusCode if status is not grpc.StatusCode.OK}

Answer = Callable[[Any, "Call"], Any]  # request (or an iterator of them), call -> reply (or an iterator of them)


class GrpcServer:
    """A running server."""

    def __init__(self, host: str, replica: str, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self.replica = replica
        self.address = ""
        self._host = host
        options = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1))
        self._server = grpc.server(ThreadPoolExecutor(_MOST_CALLS), options=options)
        self._server.add_generic_rpc_handlers(tuple(handlers))

    def listen(self, port: int, tls: PemFiles | None) -> None:
        """Bind and serve. Raises OSError."""
        wanted = f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"
        try:
            if tls:
                bound = self._server.add_secure_port(wanted, _credentials(tls))
            else:
                bound = self._server.add_insecure_port(wanted)
        except RuntimeError as error:
            raise OSError(str(error)) from None
        self.address = f"{wanted.rpartition(':')[0]}:{bound}"
        self._server.start()

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Refuse new calls, let running ones end within `grace` seconds, then cut them."""
        self._server.stop(grace).wait()


def _credentials(tls: PemFiles) -> grpc.ServerCredentials:
    chain, key = (Path(file).read_bytes() for file in tls)
    return grpc.ssl_server_credentials([(key, chain)])


class Call:
    """One call. It echoes its metadata at once and notices that its client has gone.

    Metadata that begins with `x-echo-`, `md-` or `http-` comes back twice, as initial metadata and as trailers;
    the names of all that came are in the initial metadata `x-got-metadata`.
    """

    def __init__(self, context: grpc.ServicerContext, replica: str) -> None:
        self.replica = replica
        self.ended = threading.Event()
        self.metadata = tuple(context.invocation_metadata())
        self._context = context
        if not context.add_callback(self.ended.set):  # it has ended already
            self.ended.set()
        self._echoed = tuple((key, value) for key, value in self.metadata if key.startswith(_ECHOED))
        names = ",".join(sorted({key for key, _ in self.metadata}))
        context.set_trailing_metadata(self._echoed)
        context.send_initial_metadata(((GOT_METADATA, names), *self._echoed))

    def pause(self, milliseconds: int) -> None:
        """Wait, but not for a client that has gone."""
        if milliseconds > 0:
            self.ended.wait(milliseconds / 1000)

    def on_end(self, notice: Callable[[], None]) -> None:
        """Call `notice` once the call has ended, in whatever way."""
        if not self._context.add_callback(notice):
            notice()

    def fail(self, code: int, message: str, details: bytes = b"") -> NoReturn:
        """End the call. `details` is a serialised google.rpc.Status."""
        if details:
            self._context.set_trailing_metadata((*self._echoed, ("grpc-status-details-bin", details)))
        self._context.abort(_STATUS.get(code, grpc.StatusCode.UNKNOWN), message)


def service_handler(service: ServiceDescriptor, answers: Mapping[str, Answer], replica: str) -> grpc.GenericRpcHandler:
    """Serve the methods of a service that `answers` names; the others are UNIMPLEMENTED."""
    handlers = {}
    for method in service.methods:
        if method.name in answers:
            kind = ("stream" if method.client_streaming else "unary") + (
                "_stream" if method.server_streaming else "_unary"
            )
            handlers[method.name] = getattr(grpc, f"{kind}_rpc_method_handler")(
                _behaviour(answers[method.name], replica, method.server_streaming),
                message_factory.GetMessageClass(method.input_type).FromString,
                message_factory.GetMessageClass(method.output_type).SerializeToString,
            )
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _behaviour(answer: Answer, replica: str, streams: bool) -> Callable[[Any, grpc.ServicerContext], Any]:
    def one(request: Any, context: grpc.ServicerContext) -> Any:
        return answer(request, Call(context, replica))

    def many(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from answer(request, Call(context, replica))

    return many if streams else one
