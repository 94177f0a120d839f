"""REST: HTTP rules of google.api.http, for methods of every kind.

One answer is one body; a stream of answers is a stream of bytes in the format that `Accept` chooses. Rule: a failure
before the first answer is an HTTP status; after it, the last element, in the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from isthmus.edge.adapter.calls import MOST_MESSAGE_BYTES, Call, Ended, only_answer
from isthmus.edge.adapter.formats import Writer, chosen
from isthmus.edge.adapter.requests import Incoming, media_type, pieces, whole_body
from isthmus.edge.adapter.streams import Answering
from isthmus.schema.answers import status_json
from isthmus.schema.bindings import Match, NotAllowedError
from isthmus.schema.codec import Codec
from isthmus.schema.header_rules import Metadata
from isthmus.schema.json_stream import JsonStream
from isthmus.schema.query import parameters
from isthmus.schema.status import INVALID_ARGUMENT, RefusedError, Status
from isthmus.schema.transcoding import Answers, Raw, Requests

JSON = "application/json"
# curl sends the last but one unless told otherwise, and Envoy's transcoder does not look at the type either.
_READABLE = frozenset(
    ("", JSON, "text/json", "text/plain", "application/x-ndjson", "application/ndjson", "application/jsonl",
     "application/json-seq", "application/x-jsonlines", "application/x-www-form-urlencoded", "application/octet-stream")
)  # fmt: skip
_PIECE = 1024 * 1024  # of an upload that is sent on as a stream of HttpBody


async def serve(incoming: Incoming) -> web.StreamResponse:
    """Answer a request. Raises RefusedError before anything was answered."""
    match = incoming.loaded.bindings.find(incoming.http.method, incoming.path)
    requests = Requests(incoming.codec, match, parameters(incoming.query))
    answers = Answers(incoming.codec, match)
    if not requests.http_body and requests.takes_body:
        _check_type(incoming.http)
    source = await _source(incoming.http, match, requests)
    async with Call(incoming.channel, incoming.wanted(match.method), source) as call:
        if match.method.server_streaming:
            return await _stream(incoming, call, answers)
        return await _one(incoming, call, answers)


def failure(status: Status, codec: Codec | None, headers: tuple[tuple[str, str], ...] = ()) -> web.Response:
    """google.rpc.Status with its HTTP status."""
    response = web.Response(body=status_json(status, codec), status=status.http_status, content_type=JSON)
    response.headers.extend(headers)
    return response


def refusal(error: RefusedError) -> web.Response:
    """What a request that cannot be served gets."""
    allow = ((hdrs.ALLOW, ", ".join(error.allow)),) if isinstance(error, NotAllowedError) else ()
    return failure(error.status, None, allow)


def _check_type(request: web.Request) -> None:
    kind = media_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if kind not in _READABLE and not kind.endswith("+json"):
        raise RefusedError(f"content-type {kind!r}: this method takes {JSON}", INVALID_ARGUMENT, 415)


async def _source(request: web.Request, match: Match, requests: Requests) -> AsyncIterator[bytes]:
    """The request messages. All that can be wrong with a single one is known before the call. Raises RefusedError."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
    if match.method.client_streaming and requests.takes_body:
        return _raw_pieces(request, requests) if requests.http_body else _elements(request, requests)
    body = await whole_body(request, encoding)
    if requests.http_body:
        return _single(requests.from_raw(Raw(request.headers.get(hdrs.CONTENT_TYPE, ""), body)))
    if requests.takes_body:
        return _single(requests.from_json(body) if body.strip() else requests.empty())
    if body.strip() not in (b"", b"{}"):
        raise RefusedError("this method takes no body: send its fields in the path and the query")
    return _single(requests.empty())


async def _single(message: bytes) -> AsyncIterator[bytes]:
    yield message


async def _elements(request: web.Request, requests: Requests) -> AsyncIterator[bytes]:
    """A message for each element of the body, as soon as it is complete."""
    cut, number = JsonStream(MOST_MESSAGE_BYTES), 0
    async for data in pieces(request, request.headers.get(hdrs.CONTENT_ENCODING, "")):
        for text in cut.feed(data):
            number += 1
            yield _numbered(requests, text, number)
    for text in cut.finish():
        yield _numbered(requests, text, number + 1)


def _numbered(requests: Requests, text: bytes, number: int) -> bytes:
    try:
        return requests.from_json(text)
    except RefusedError as error:
        raise RefusedError(f"message {number}: {error}") from None


async def _raw_pieces(request: web.Request, requests: Requests) -> AsyncIterator[bytes]:
    """An upload in pieces; the content type is on the first."""
    kind, held, first = request.headers.get(hdrs.CONTENT_TYPE, ""), bytearray(), True
    async for data in pieces(request, request.headers.get(hdrs.CONTENT_ENCODING, "")):
        held += data
        while held:
            yield requests.from_raw(Raw(kind if first else "", bytes(held[:_PIECE])))
            del held[:_PIECE]
            first = False
    if first:
        yield requests.from_raw(Raw(kind, b""))


async def _one(incoming: Incoming, call: Call, answers: Answers) -> web.Response:
    data, ended = await only_answer(call)
    initial = await call.headers()
    headers = incoming.rules.headers(initial, ended.trailers)
    if ended.status.code:
        return failure(ended.status, incoming.codec, tuple(headers))
    if answers.http_body:
        raw = answers.to_raw(data)
        response = web.Response(body=raw.data)
        response.headers[hdrs.CONTENT_TYPE] = _header(raw.content_type) or "application/octet-stream"
    else:
        response = web.Response(body=answers.to_json(data), content_type=JSON)
    response.headers.extend(headers)
    return response


async def _stream(incoming: Incoming, call: Call, answers: Answers) -> web.StreamResponse:
    answering = Answering(call)
    first = await answering.first()
    ended = None if answering.more else await call.end()
    if ended is not None and ended.status.code:
        headers = incoming.rules.headers(answering.initial, ended.trailers)
        return failure(ended.status, incoming.codec, tuple(headers))
    printing = _RawPrinter(answers) if answers.http_body else _JsonPrinter(incoming, answers)
    shown = printing.message(first) if first is not None else b""  # what cannot be printed is an HTTP status yet
    response = await _start(incoming, printing, answering.initial)
    try:
        await _write(response, shown)
        await _copy(response, answering, printing)
        last = printing.finish(await call.end())
    except RefusedError as error:
        last = printing.finish(Ended(error.status, ()))
    if last is None:  # there is no way to say so in a body of any type: cut it, so that it is not taken for whole
        if incoming.http.transport is not None:
            incoming.http.transport.abort()
        return response
    await _write(response, last)
    await response.write_eof()
    return response


async def _copy(response: web.StreamResponse, answering: Answering, printing: _JsonPrinter | _RawPrinter) -> None:
    """Every answer as it comes. Raises RefusedError for one that cannot be printed, or a wrong request message."""
    async for data in answering.rest():
        await _write(response, printing.beat if data is None else printing.message(data))


async def _write(response: web.StreamResponse, data: bytes) -> None:
    if data:
        await response.write(data)
        await asyncio.sleep(0)  # let a client that has gone be noticed by a stream that never waits


async def _start(incoming: Incoming, printing: _JsonPrinter | _RawPrinter, initial: Metadata) -> web.StreamResponse:
    response = web.StreamResponse(headers={hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"})
    response.headers.extend(incoming.rules.headers(initial))
    response.headers[hdrs.CONTENT_TYPE] = printing.content_type
    response.enable_chunked_encoding()
    await response.prepare(incoming.http)
    return response


class _JsonPrinter:
    """Answers as JSON, in the format that the client likes."""

    def __init__(self, incoming: Incoming, answers: Answers) -> None:
        self._writer = Writer(chosen(",".join(incoming.http.headers.getall(hdrs.ACCEPT, []))))
        self._codec = incoming.codec
        self._answers = answers
        self.content_type = self._writer.form.content_type
        self.beat = self._writer.form.beat

    def message(self, data: bytes) -> bytes:
        return self._writer.message(self._answers.to_json(data))

    def finish(self, ended: Ended) -> bytes | None:
        return self._writer.finish(status_json(ended.status, self._codec) if ended.status.code else b"")


class _RawPrinter:
    """Answers that are pieces of one body; the first says its type."""

    beat = b""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.content_type = "application/octet-stream"

    def message(self, data: bytes) -> bytes:
        raw = self._answers.to_raw(data)
        if kind := _header(raw.content_type):
            self.content_type = kind
        return raw.data

    def finish(self, ended: Ended) -> bytes | None:
        return None if ended.status.code else b""


def _header(value: str) -> str:
    """A value that a server chose, if it can be a header's."""
    return value if value.isascii() and value.isprintable() else ""
