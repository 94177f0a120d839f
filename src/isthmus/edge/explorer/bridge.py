"""One gRPC call over one WebSocket: the page's frames go in, the call's events come out as they happen.

Every kind of method goes the same way, as a call whose two sides stream. Slow readers are waited for on both sides;
what the page sends beyond a small queue is refused and said to be. Rule: the end of either side ends the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from isthmus.edge.explorer import frames, messages
from isthmus.edge.explorer.catalog import Catalog, Upstream, find
from isthmus.edge.explorer.frames import FrameError
from isthmus.edge.explorer.messages import JsonError
from isthmus.edge.explorer.pools import Loaded, Pools
from isthmus.edge.grpc_client.channels import Target, open_channel
from isthmus.schema.model import Method

import grpc  # isort: skip - after channels, which sets what gRPC reads when it is imported
import grpc.aio  # isort: skip

MOST_CALLS = 64
MOST_BYTES = 4 * 1024 * 1024  # of one frame from the page
_QUEUE = 64
_HEARTBEAT_SECONDS = 20.0
# grpcio says this where a call ends during a write that waits for the server; what the server said is gone by then.
_LOST = {"Internal error from Core": "the server ended the call while a message waited to be sent; its reason was lost"}


class Bridge:
    """All calls that pages have open."""

    def __init__(self, catalog: Catalog, pools: Pools) -> None:
        self._catalog = catalog
        self._pools = pools
        self._open: set[web.WebSocketResponse] = set()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """A WebSocket's whole life."""
        socket = web.WebSocketResponse(max_msg_size=MOST_BYTES, heartbeat=_HEARTBEAT_SECONDS)
        await socket.prepare(request)
        self._open.add(socket)
        try:
            await self._serve(socket)
        except (FrameError, JsonError) as error:
            await _say(socket, frames.Trouble(str(error)))
        finally:
            self._open.discard(socket)
            await socket.close()
        return socket

    async def stop(self, _app: web.Application) -> None:
        """End all calls, so that the server can end."""
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in tuple(self._open)))

    async def _serve(self, socket: web.WebSocketResponse) -> None:
        first = await socket.receive()
        if first.type is not WSMsgType.TEXT:
            return
        start = frames.decode(first.data)
        if not isinstance(start, frames.Start):
            raise FrameError("the first frame must be a start")
        if len(self._open) > MOST_CALLS:
            raise FrameError(f"{MOST_CALLS} calls are open already: end one first")
        upstream, loaded, method = await self._method(start)
        sent = (*upstream.metadata, *((key.lower(), value) for key, value in start.metadata))
        if wrong := frames.wrong_metadata(sent):
            raise FrameError(wrong)
        metadata = messages.metadata_to_send(sent)
        target = Target(upstream.target, authority=upstream.authority, user_agent="isthmus-explorer")
        async with open_channel(target) as channel:
            call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(method.path)(
                metadata=metadata, timeout=start.timeout
            )
            await _Call(socket, call, method, loaded, start.defaults).run()

    async def _method(self, start: frames.Start) -> tuple[Upstream, Loaded, Method]:
        if start.timeout is not None and not 0 < start.timeout <= 86_400:
            raise FrameError("the deadline must be more than 0 seconds and at most a day")
        upstream = find(self._catalog, start.upstream)
        if upstream is None or upstream.schema is None:
            raise FrameError(f"there is no server {start.upstream!r} with a schema any more: reload the page")
        loaded = await self._pools.load(upstream.schema)
        method = loaded.methods.get(start.method)
        if method is None:
            raise FrameError(f"{start.upstream} has no method {start.method} any more: reload the page")
        return upstream, loaded, method


class _Call:
    """One call under way. `run` returns when it is over, whoever ended it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        call: grpc.aio.StreamStreamCall[bytes, bytes],
        method: Method,
        loaded: Loaded,
        defaults: bool,
    ) -> None:
        self._socket = socket
        self._call = call
        self._method = method
        self._loaded = loaded
        self._defaults = defaults
        self._outgoing: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self._now = _clock()

    async def run(self) -> None:
        receiving = asyncio.create_task(self._receive())
        obeying, sending = asyncio.create_task(self._obey()), asyncio.create_task(self._send())
        try:
            # A page that goes away ends its call; a call that ends needs nothing of the page any more.
            await asyncio.wait([receiving, obeying], return_when=asyncio.FIRST_COMPLETED)
            if obeying.done():
                # The write first: a write that a cancelled call breaks off makes gRPC say INTERNAL.
                sending.cancel()
                await asyncio.wait([sending])
                self._call.cancel()
            await receiving
            if obeying.done():
                obeying.result()
        finally:
            self._call.cancel()
            for task in (receiving, obeying, sending):
                task.cancel()
            await asyncio.gather(receiving, obeying, sending, return_exceptions=True)

    async def _obey(self) -> None:
        """Read the page's frames until it goes away or cancels."""
        number, ended = 0, False
        async for frame in self._socket:
            asked = frames.decode(frame.data) if frame.type is WSMsgType.TEXT else None
            if isinstance(asked, frames.Cancel):
                return
            if isinstance(asked, frames.End) and not ended:
                ended = True
                self._outgoing.put_nowait(None)
            elif isinstance(asked, frames.Message):
                await self._take(number, asked.json, ended)
                number += 1
            elif not isinstance(asked, frames.End):
                raise FrameError("this frame has no place in a call")

    async def _take(self, number: int, text: str, ended: bool) -> None:
        try:
            if ended:
                raise JsonError("this side of the stream is closed")
            if self._outgoing.qsize() >= _QUEUE:
                raise JsonError(f"{_QUEUE} messages wait already: the server does not read them")
            self._outgoing.put_nowait((number, messages.to_bytes(text, self._method.input, self._loaded.pool)))
        except JsonError as error:
            await _say(self._socket, frames.Invalid(number, str(error)))

    async def _send(self) -> None:
        with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError, grpc.aio.UsageError):
            # All three: the call has ended meanwhile, and how is told by `_receive`.
            while (item := await self._outgoing.get()) is not None:
                number, data = item
                await self._call.write(data)
                await _say(self._socket, frames.Sent(number, len(data), self._now()))
            await self._call.done_writing()

    async def _receive(self) -> None:
        try:
            await _say(
                self._socket, frames.Headers(messages.metadata_of(await self._call.initial_metadata()), self._now())
            )
            async for data in self._call:
                text, note = messages.to_json(data, self._method.output, self._loaded.pool, self._defaults)
                await _say(self._socket, frames.Received(text, len(data), self._now(), note))
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            # A call that was cancelled from here raises CancelledError, as our own task's end does.
            if not self._call.done():
                raise
        at = self._now()
        code, trailers = await self._call.code(), await self._call.trailing_metadata()
        await _say(
            self._socket,
            frames.Status(
                code=code.value[0],
                name=code.name,
                message=_LOST.get(details := await self._call.details() or "", details),
                details=messages.details(trailers or (), self._loaded.pool),
                trailers=messages.metadata_of(trailers),
                at=at,
            ),
        )


async def _say(socket: web.WebSocketResponse, frame: frames.Told) -> None:
    """Waits for a page that reads slowly; a page that is gone is told nothing."""
    with contextlib.suppress(ConnectionError):
        if not socket.closed:
            await socket.send_str(frames.encode(frame))


def _clock() -> Callable[[], float]:
    """Milliseconds since now, to a hundredth."""
    start = time.perf_counter()
    return lambda: round((time.perf_counter() - start) * 1000, 2)
