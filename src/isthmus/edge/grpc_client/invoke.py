"""One call of any kind, bytes in and bytes out, as its messages come and go.

All four kinds of call are one stream each way on the wire; the number of messages is the caller's business. It goes by
gRPC's blocking interface in threads: the awaiting one forgets what a server said that ended a stream while a message
was on its way. Rule: whoever ends it, no thread keeps the process alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from isthmus.edge.grpc_client.channels import Dialled
from isthmus.edge.grpc_client.reflection import Metadata

import grpc  # isort: skip - after channels, which sets what gRPC reads when it is imported


class Ended(NamedTuple):
    """How a call ended: the gRPC code's number and name, the message, and the trailers."""

    code: int
    name: str
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


class Call(NamedTuple):
    """What to call: `method` is the gRPC path; `seconds` the deadline, None for none."""

    method: str
    metadata: Metadata = ()
    seconds: float | None = None


class Listener(NamedTuple):
    """Is told what comes, in a thread of its own; the server is not read from meanwhile."""

    headers: Callable[[Metadata], None]
    message: Callable[[bytes], None]


async def invoke(server: Dialled, call: Call, requests: Iterator[bytes], listener: Listener) -> Ended:
    """Send the requests, hand over what comes back, and say how it ended.

    `requests` may block: it is asked for the next one in a thread. Raises what `requests` or the listener raise.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Ended] = loop.create_future()
    running = _Running(server, call, requests, listener)

    def work() -> None:
        try:
            result = running.run()
        except BaseException as error:  # noqa: BLE001 - raised again where the call is awaited
            told: tuple[Callable[[Any], None], object] = (_refuse, error)
        else:
            told = (_resolve, result)
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(told[0], told[1])

    def _resolve(result: Ended) -> None:
        if not ended.done():
            ended.set_result(result)

    def _refuse(error: BaseException) -> None:
        if not ended.done():
            ended.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return await ended
    finally:
        running.cancel()


class _Running:
    """One call under way."""

    def __init__(self, server: Dialled, call: Call, requests: Iterator[bytes], listener: Listener) -> None:
        self._channel = (
            grpc.insecure_channel(server.address, server.options)
            if server.credentials is None
            else grpc.secure_channel(server.address, server.credentials, server.options)
        )
        self._requests = requests
        self._listener = listener
        self._failure: list[Exception] = []
        stub = self._channel.stream_stream(call.method, request_serializer=bytes, response_deserializer=bytes)
        self._call: Any = None
        self._started = threading.Event()
        self._start: Callable[[], Any] = lambda: stub(self._sent(), metadata=tuple(call.metadata), timeout=call.seconds)

    def run(self) -> Ended:
        """All of it."""
        self._call = self._start()
        self._started.set()
        try:
            self._listener.headers(_pairs(self._call.initial_metadata()))
            for answer in self._call:
                self._listener.message(answer)
        except grpc.RpcError:
            pass  # the end says the same
        if self._failure:
            raise self._failure[0]
        code = self._call.code()
        return Ended(code.value[0], code.name, self._call.details() or "", _pairs(self._call.trailing_metadata()))

    def cancel(self) -> None:
        """End it, if it has not ended."""
        if self._call is not None:
            self._call.cancel()
        self._channel.close()

    def _sent(self) -> Iterator[bytes]:
        try:
            yield from self._requests
        except Exception as error:  # noqa: BLE001 - raised again where the call ends
            self._failure.append(error)
            self._started.wait()
            self._call.cancel()


def _pairs(metadata: Any) -> tuple[tuple[str, str | bytes], ...]:
    return tuple((str(key), value) for key, value in metadata or ())
