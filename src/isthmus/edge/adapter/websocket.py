"""gRPC over a WebSocket, for browsers: all four kinds of method, in JSON (text frames) or protobuf (binary frames).

A frame is a message; an empty text frame closes the caller's side. The end is a close: 1000, or 4000 + the gRPC code
after a last text frame with the error. Rule: each side is read no faster than the other takes it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator

from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from isthmus.edge.adapter.calls import MOST_MESSAGE_BYTES, Call, Wanted
from isthmus.edge.adapter.requests import Incoming
from isthmus.schema.answers import status_object
from isthmus.schema.bindings import Match
from isthmus.schema.codec import dump_json
from isthmus.schema.query import parameters
from isthmus.schema.status import PERMISSION_DENIED, RefusedError, Status
from isthmus.schema.transcoding import Answers, Raw, Requests

PROTOCOL = "isthmus"
_BEARER = "bearer."
_CLOSE_BASE = 4000
_LONGEST_REASON = 123
_PING_SECONDS = 20.0
_MOST_WAITING = 4  # messages that the server has not taken yet
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_upgrade(request: web.Request) -> bool:
    """Whether a request asks for a WebSocket."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


async def serve(incoming: Incoming, open_sockets: set[web.WebSocketResponse]) -> web.WebSocketResponse:
    """A WebSocket's whole life. Raises RefusedError before the upgrade."""
    check_origin(incoming.http)
    match = incoming.loaded.bindings.find_any(incoming.path)
    requests = Requests(incoming.codec, match, parameters(incoming.query))
    first = None if match.binding.body or match.method.client_streaming else requests.empty()
    wanted = _with_bearer(incoming.wanted(match.method), incoming.http)
    socket = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=MOST_MESSAGE_BYTES, compress=False)
    await socket.prepare(incoming.http)
    open_sockets.add(socket)
    conversation = _Conversation(socket, match, requests, first)
    pinging = asyncio.create_task(_ping(socket))
    try:
        status = await _converse(conversation, incoming, wanted, Answers(incoming.codec, match))
        if status is not None:
            await _close(socket, status, incoming)
    except ConnectionError:
        pass  # the caller has gone
    finally:
        open_sockets.discard(socket)
        pinging.cancel()
        await asyncio.gather(pinging, return_exceptions=True)
    return socket


def check_origin(request: web.Request) -> None:
    """Browsers let any page open a WebSocket anywhere, and say from which. Raises RefusedError."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return  # no browser
    listed = request.headers.get("x-isthmus-origins", "").lower().split(",")
    known = origin.lower() in _own_origins(request) or any(_allows(each.strip(), origin.lower()) for each in listed)
    if not known:
        raise RefusedError(f"the origin {origin[:200]} may not open WebSockets here", PERMISSION_DENIED)


def _own_origins(request: web.Request) -> tuple[str, str]:
    """The host's own, without a port and with that of the listener: Envoy takes ports off hosts."""
    scheme = (request.headers.get("x-forwarded-proto") or "http").lower()
    host = (request.headers.get("x-forwarded-host") or request.headers.get(hdrs.HOST) or "").lower()
    own = f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ':-'))}"
    return own, f"{own}:{request.headers.get('x-isthmus-port', '')}"


def _allows(listed: str, origin: str) -> bool:
    """As the CORS policy reads it: `*` is any origin, a trailing `:*` any port or none."""
    if listed in ("*", origin):
        return True
    name, colon, port = origin.rpartition(":")
    return listed.endswith(":*") and listed[:-2] in (origin, name if colon and port.isdigit() else origin)


def _with_bearer(wanted: Wanted, request: web.Request) -> Wanted:
    """Browsers cannot set headers of a WebSocket: a token comes as a subprotocol, `bearer.TOKEN`."""
    offered = ",".join(request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])).split(",")
    token = next((each.strip()[len(_BEARER) :] for each in offered if each.strip().startswith(_BEARER)), "")
    if not token or any(name == "authorization" for name, _ in wanted.metadata):
        return wanted
    return wanted._replace(metadata=(*wanted.metadata, ("authorization", f"Bearer {token}")))


class _Conversation:
    """Frames to messages and back. Answers are binary where the caller's first frame was."""

    def __init__(self, socket: web.WebSocketResponse, match: Match, requests: Requests, first: bytes | None) -> None:
        self._socket = socket
        self._streams = match.method.client_streaming
        self._requests = requests
        self._binary = False
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._closed = "" if first is None else "the address holds the whole request"  # why the caller's side is
        if first is not None:
            self._waiting.put_nowait(first)
            self._waiting.put_nowait(None)

    async def read(self) -> None:
        """Hear the caller until it goes away, also after it has closed its side. Raises RefusedError."""
        sent = 0
        while True:
            frame = await self._socket.receive()
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if frame.type is WSMsgType.TEXT and not frame.data:
                await self._close_side("an empty frame has ended the messages")
                continue
            if self._closed:
                raise RefusedError(f"no message is taken here: {self._closed}")
            self._binary = self._binary if sent else frame.type is WSMsgType.BINARY
            sent += 1
            await self._waiting.put(self._message(frame.data))
            if not self._streams:
                await self._close_side("this method takes one message")

    async def _close_side(self, why: str) -> None:
        if not self._closed:
            self._closed = why
            await self._waiting.put(None)

    async def messages(self) -> AsyncIterator[bytes]:
        """The caller's messages, until it closes its side."""
        while (message := await self._waiting.get()) is not None:
            yield message

    def _message(self, data: str | bytes) -> bytes:
        if isinstance(data, bytes):
            return self._requests.from_bytes(data)
        if self._requests.http_body:
            return self._requests.from_raw(Raw("text/plain; charset=utf-8", data.encode()))
        return self._requests.from_json(data)

    async def answer(self, call: Call, answers: Answers) -> Status:
        """Send the answers; how the call ended."""
        try:
            while (data := await call.next()) is not None:
                if self._binary:
                    await self._socket.send_bytes(data)
                elif answers.http_body:
                    kind, body = answers.to_raw(data)
                    value = {"contentType": kind, "data": base64.b64encode(body).decode()}
                    await self._socket.send_str(dump_json(value).decode())
                else:
                    await self._socket.send_str(answers.to_json(data).decode())
            return (await call.end()).status
        except RefusedError as error:
            return error.status


async def _converse(conversation: _Conversation, incoming: Incoming, wanted: Wanted, answers: Answers) -> Status | None:
    """The call, from its start to its end; None where the caller went away before."""
    async with Call(incoming.channel, wanted, conversation.messages()) as call:
        reading = asyncio.create_task(conversation.read())
        answering = asyncio.create_task(conversation.answer(call, answers))
        try:
            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            reading.result()
        except RefusedError as error:
            return error.status
        finally:
            for task in (reading, answering):
                task.cancel()
            await asyncio.gather(reading, answering, return_exceptions=True)
    return None


async def _ping(socket: web.WebSocketResponse) -> None:
    """Keep what lies between alive. Whether the caller is, Envoy finds out: it may well be slow to answer here."""
    while not socket.closed:
        await asyncio.sleep(_PING_SECONDS)
        with contextlib.suppress(ConnectionError):
            await socket.ping()


async def _close(socket: web.WebSocketResponse, status: Status, incoming: Incoming) -> None:
    if not status.code:
        await socket.close(code=WSCloseCode.OK)
        return
    await socket.send_str(dump_json({"error": status_object(status, incoming.codec)}).decode())
    reason = status.message.encode()[:_LONGEST_REASON].decode(errors="ignore").encode()
    await socket.close(code=_CLOSE_BASE + status.code, message=reason)
