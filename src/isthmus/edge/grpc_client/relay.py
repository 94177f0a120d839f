"""TLS that verifies nothing, for gRPC, which has no such thing: a relay on a socket that only this user may open.

gRPC speaks in clear to the relay, the relay speaks TLS to the server, so any certificate will do: expired, for another
name, for none. Rule: it hands bytes on and reads none of them; what ends on one side ends on the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable

from isthmus.edge.grpc_client.probe import Streams

_CHUNK = 65_536


@contextlib.asynccontextmanager
async def relay(dial: Callable[[], Awaitable[Streams]]) -> AsyncIterator[str]:
    """The path of a Unix socket whose connections go on to what `dial` opens. Raises what the first `dial` raises.

    The first connection is made at once, so that a server that refuses is known before anything is relayed.
    """
    waiting: list[Streams] = [await dial()]
    open_now: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_carry((reader, writer), waiting, dial))
        open_now.add(task)
        task.add_done_callback(open_now.discard)

    with tempfile.TemporaryDirectory(prefix="isthmus-") as folder:  # mode 0700
        path = os.path.join(folder, "relay")
        server = await asyncio.start_unix_server(accepted, path)
        try:
            yield path
        finally:
            server.close()
            for task in open_now:
                task.cancel()
            await asyncio.gather(*open_now, return_exceptions=True)
            for _, writer in waiting:
                writer.transport.abort()


async def _carry(near: Streams, waiting: list[Streams], dial: Callable[[], Awaitable[Streams]]) -> None:
    """One connection, until either side ends it."""
    far: Streams | None = None
    try:
        far = waiting.pop() if waiting else await dial()
        both = [asyncio.ensure_future(_pump(near[0], far[1])), asyncio.ensure_future(_pump(far[0], near[1]))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
    except OSError:
        pass  # the server is gone; gRPC sees its connection end and says so
    finally:
        near[1].close()  # what it has been given goes out first
        if far is not None:
            far[1].transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
