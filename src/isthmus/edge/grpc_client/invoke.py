"""One call of any kind, bytes in and bytes out, as its messages come and go.

All four kinds of call are one stream each way on the wire; the number of messages is the caller's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import grpc
import grpc.aio

from isthmus.edge.grpc_client.reflection import Metadata


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


async def invoke(
    channel: grpc.aio.Channel,
    call: Call,
    requests: AsyncIterator[bytes],
    on_headers: Callable[[Metadata], None],
    on_message: Callable[[bytes], Awaitable[None]],
) -> Ended:
    """Send the requests, hand over what comes back, and say how it ended. Raises what `requests` raises."""
    stub = channel.stream_stream(call.method, request_serializer=bytes, response_deserializer=bytes)
    failure: list[BaseException] = []

    async def sent() -> AsyncIterator[bytes]:
        try:
            async for request in requests:
                yield request
        except BaseException as error:
            failure.append(error)
            running.cancel()
            raise

    running = stub(sent(), metadata=tuple(call.metadata), timeout=call.seconds)
    try:
        on_headers(_pairs(await running.initial_metadata()))
        async for answer in running:
            await on_message(answer)
    except grpc.aio.AioRpcError:
        pass  # the end says the same
    except grpc.aio.BaseError:
        pass
    finally:
        if failure:
            raise failure[0]
    code = await running.code()
    return Ended(code.value[0], code.name, await running.details() or "", _pairs(await running.trailing_metadata()))


def _pairs(metadata: object) -> tuple[tuple[str, str | bytes], ...]:
    return tuple((str(key), value) for key, value in metadata or ())  # type: ignore[attr-defined]
