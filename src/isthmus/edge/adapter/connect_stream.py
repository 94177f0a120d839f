"""The Connect protocol's streams: methods of every streaming kind, in JSON or protobuf.

Source: the Connect protocol's specification. The HTTP status is always 200 once the content type is known; how the
call went is in the last envelope, with the trailers. Rule: there always is a last envelope.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from isthmus.edge.adapter.calls import MOST_MESSAGE_BYTES, Call, Ended
from isthmus.edge.adapter.connect import connect_codec, failure, method_at
from isthmus.edge.adapter.requests import Incoming, media_type, pieces
from isthmus.edge.adapter.streams import Answering
from isthmus.schema.answers import connect_error
from isthmus.schema.codec import Codec, dump_json, serialized
from isthmus.schema.envelopes import COMPRESSED, END, Envelopes, enveloped
from isthmus.schema.header_rules import CONNECT, Metadata, printed
from isthmus.schema.inflate import gzipped, inflated
from isthmus.schema.model import Method
from isthmus.schema.status import INTERNAL, INVALID_ARGUMENT, UNIMPLEMENTED, RefusedError, Status

_ENCODING, _ACCEPT = "Connect-Content-Encoding", "Connect-Accept-Encoding"
TYPES = {"application/connect+json": "json", "application/connect+proto": "proto"}
_WORTH_PACKING = 1024


def is_stream(request: web.Request) -> bool:
    """Whether a request is Connect's, of streams."""
    return media_type(request.headers.get(hdrs.CONTENT_TYPE, "")).startswith("application/connect+")


async def serve(incoming: Incoming) -> web.StreamResponse:
    """Answer a request. Raises RefusedError only for what has an HTTP status of its own."""
    kind = media_type(incoming.http.headers.get(hdrs.CONTENT_TYPE, ""))
    if incoming.http.method != "POST":
        raise RefusedError("Connect's streams are called with POST", UNIMPLEMENTED, 405)
    if kind not in TYPES:
        raise RefusedError(f"content-type {kind!r}: expected one of {', '.join(TYPES)}", INVALID_ARGUMENT, 415)
    stream = _Stream(incoming, TYPES[kind])
    try:
        method = method_at(incoming)
        if not method.streaming:
            return failure(Status(INVALID_ARGUMENT, f"{method.path} does not stream", http=415), None)
        source = _messages(incoming, method, stream)
        async with Call(incoming.channel, incoming.wanted(method), source) as call:
            ended = await _answer(stream, call, method)
    except RefusedError as error:
        ended = Ended(error.status, ())
    await stream.finish(ended)
    return stream.response


class _Stream:
    """The response: envelopes, begun with the first of them."""

    def __init__(self, incoming: Incoming, kind: str) -> None:
        self.kind = kind
        self.codec: Codec = connect_codec(incoming.codec)
        self._http = incoming.http
        self._packs = "gzip" in incoming.http.headers.get(_ACCEPT, "")
        content_type = incoming.http.headers[hdrs.CONTENT_TYPE].partition(";")[0].strip()
        self.response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: content_type})
        if self._packs:
            self.response.headers[_ENCODING] = "gzip"

    async def start(self, initial: Metadata = ()) -> None:
        """Begin, if it has not."""
        if not self.response.prepared:
            self.response.headers.extend(CONNECT.headers(initial))
            self.response.enable_chunked_encoding()
            await self.response.prepare(self._http)

    async def write(self, data: bytes, flags: int = 0) -> None:
        """One envelope."""
        if self._packs and len(data) >= _WORTH_PACKING:
            data, flags = gzipped(data), flags | COMPRESSED
        await self.response.write(enveloped(data, flags))
        await asyncio.sleep(0)  # let a client that has gone be noticed by a stream that never waits

    async def finish(self, ended: Ended) -> None:
        """The last envelope, which says how it went."""
        last: dict[str, object] = {}
        if ended.status.code:
            last["error"] = connect_error(ended.status, self.codec)
        if ended.trailers:
            metadata: dict[str, list[str]] = {}
            for name, value in ended.trailers:
                metadata.setdefault(name, []).append(printed(value))
            last["metadata"] = metadata
        await self.start()
        await self.write(dump_json(last), END)
        await self.response.write_eof()


async def _messages(incoming: Incoming, method: Method, stream: _Stream) -> AsyncIterator[bytes]:
    """The request messages, as they come. Raises RefusedError."""
    envelopes, encoding = Envelopes(MOST_MESSAGE_BYTES), incoming.http.headers.get(_ENCODING, "identity")
    inflated(b"", encoding, 0)  # is it known at all?
    count = 0
    async for piece in pieces(incoming.http, ""):
        for flags, data in envelopes.feed(piece):
            if flags & END:
                raise RefusedError("protocol error: a client's stream has no envelope with the end flag")
            if flags & COMPRESSED and encoding == "identity":
                raise RefusedError(f"protocol error: a compressed envelope without {_ENCODING}", INTERNAL)
            count += 1
            if count > 1 and not method.client_streaming:
                raise RefusedError(f"{method.path} takes one message", UNIMPLEMENTED)
            plain = inflated(data, encoding, MOST_MESSAGE_BYTES) if flags & COMPRESSED else data
            if stream.kind == "proto":
                yield serialized(stream.codec.parse(plain, method.input))
            else:
                yield serialized(stream.codec.from_json(plain, method.input))
    envelopes.finish()
    if not count and not method.client_streaming:
        raise RefusedError(f"{method.path} takes one message, there was none", UNIMPLEMENTED)


async def _answer(stream: _Stream, call: Call, method: Method) -> Ended:
    """Copy the answers. Raises RefusedError."""
    answering, count = Answering(call), 0
    first = await answering.first()
    await stream.start(answering.initial)
    if first is not None:
        count += 1
        await stream.write(_printed(stream, first, method))
    async for data in answering.rest():
        if data is None:
            continue
        count += 1
        if count > 1 and not method.server_streaming:
            return Ended(Status(UNIMPLEMENTED, "the server sent more than one answer"), ())
        await stream.write(_printed(stream, data, method))
    ended = await call.end()
    if not ended.status.code and not count and not method.server_streaming:
        return Ended(Status(UNIMPLEMENTED, "the server sent no answer"), ended.trailers)
    return ended


def _printed(stream: _Stream, data: bytes, method: Method) -> bytes:
    return data if stream.kind == "proto" else stream.codec.to_json(stream.codec.answer(data, method.output))
