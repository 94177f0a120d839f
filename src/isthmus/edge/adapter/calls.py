"""A gRPC call in bytes: messages of a source go in while answers come out, and its end is a value.

Every kind of method goes as a call whose two sides stream; on the wire they are the same. Rule: whoever gives up
waiting ends the call, at once; what is wrong with the source ends it too, and is then its status.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import isthmus.edge.grpc_client.channels  # noqa: F401 - sets what gRPC reads when it is imported
from isthmus.schema.header_rules import Metadata
from isthmus.schema.status import INTERNAL, Status

import grpc  # isort: skip
import grpc.aio  # isort: skip

_CLUSTER = "x-isthmus-cluster"
_DETAILS = "grpc-status-details-bin"
_RESET = (grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE)
_SLACK_SECONDS = 0.1
MOST_MESSAGE_BYTES = 4 * 1024 * 1024


class Wanted(NamedTuple):
    """What to call: a gRPC path of a cluster of Envoy's. `timeout` is in seconds."""

    path: str
    cluster: str
    metadata: Metadata
    timeout: float | None


class Ended(NamedTuple):
    """The end of a call; the trailers are without the details that `status` holds."""

    status: Status
    trailers: Metadata


def open_egress(path: str) -> grpc.aio.Channel:
    """To Envoy's private socket. What is too large is refused with RESOURCE_EXHAUSTED."""
    options = (
        ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.enable_http_proxy", 0),
        # All backends share this connection, and a value of one that gRPC cannot read (details that are no base64)
        # would stay in its table of header fields and spoil the same field of the others.
        ("grpc.http2.hpack_table_size.decoder", 0),
    )
    return grpc.aio.insecure_channel(f"unix:{path}", options=options)


class Call:
    """One call under way. Use it as an async context: it is cancelled at the end, whatever happened."""

    def __init__(self, channel: grpc.aio.Channel, wanted: Wanted, source: AsyncIterator[bytes]) -> None:
        metadata = (*wanted.metadata, (_CLUSTER, wanted.cluster))
        self._call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(wanted.path)(
            metadata=metadata, timeout=wanted.timeout
        )
        self._source = source
        self._wrong: BaseException | None = None
        self._pump = asyncio.create_task(self._send())

    async def __aenter__(self) -> Call:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)

    async def headers(self) -> Metadata:
        """The initial metadata; empty where the call ended without. Raises what was wrong with the source."""
        try:
            return _metadata(await self._call.initial_metadata())
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            self._raise_if_given_up()
            return ()

    async def next(self) -> bytes | None:
        """The next answer; None at the end. Raises what was wrong with the source."""
        try:
            answer = await self._call.read()
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            self._raise_if_given_up()
            return None
        return answer if isinstance(answer, bytes) else None

    async def end(self) -> Ended:
        """How it ended. Waits for the end."""
        code, message = await self._call.code(), await self._call.details()
        if code in _RESET and self._is_late():
            code, message = grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline has passed"
        trailers = _metadata(await self._call.trailing_metadata())
        details = next((value for name, value in trailers if name == _DETAILS and isinstance(value, bytes)), b"")
        number = int(code.value[0])
        return Ended(
            Status(number, message or "", details if number else b""),
            tuple((name, value) for name, value in trailers if name != _DETAILS),
        )

    def _is_late(self) -> bool:
        """Whether the deadline is over or nearly so: servers reset calls at theirs, which races with ours."""
        left = self._call.time_remaining()
        return left is not None and left < _SLACK_SECONDS

    def _raise_if_given_up(self) -> None:
        """A call that we cancelled ends with CancelledError, as does a task of ours that is to end."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            self._call.cancel()
            raise asyncio.CancelledError
        if self._wrong is not None:
            raise self._wrong

    async def _send(self) -> None:
        try:
            async for message in self._source:
                await self._call.write(message)
            await self._call.done_writing()
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError, grpc.aio.BaseError):
            pass  # the call has ended meanwhile; how is told by `end`
        except asyncio.CancelledError:
            if not self._call.done():
                self._call.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - raised again where the answers are read
            self._wrong = error
            self._call.cancel()
        finally:
            with contextlib.suppress(RuntimeError):
                closing = getattr(self._source, "aclose", None)
                if closing is not None:
                    await closing()


async def only_answer(call: Call) -> tuple[bytes, Ended]:
    """The one answer of a method that does not stream, and the end. Not OK: the bytes are empty."""
    first = await call.next()
    second = await call.next() if first is not None else None
    ended = await call.end() if second is None else None
    if ended is None:
        return b"", Ended(Status(INTERNAL, "the server sent more than one answer"), ())
    if ended.status.code:
        return b"", ended
    if first is None:
        return b"", Ended(Status(INTERNAL, "the server sent no answer"), ended.trailers)
    return first, ended


def _metadata(received: object) -> Metadata:
    if received is None:
        return ()
    return tuple((str(name), value) for name, value in received)  # type: ignore[attr-defined]
