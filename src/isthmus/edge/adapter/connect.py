"""The Connect protocol, one request and one answer: POST with JSON or protobuf, and GET for methods without effects.

Source: the Connect protocol's specification. JSON members that the schema lacks are ignored, as Connect's own
libraries do. Rule: every failure is a Connect error in JSON, with the HTTP status of its code.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping

from aiohttp import hdrs, web
from msgspec.structs import replace

from isthmus.edge.adapter.calls import MOST_MESSAGE_BYTES, Call, only_answer
from isthmus.edge.adapter.requests import Incoming, media_type, whole_body
from isthmus.schema.answers import connect_error
from isthmus.schema.codec import Codec, dump_json, serialized
from isthmus.schema.header_rules import CONNECT
from isthmus.schema.inflate import gzipped, inflated
from isthmus.schema.model import Method
from isthmus.schema.query import parameters
from isthmus.schema.status import INVALID_ARGUMENT, UNIMPLEMENTED, RefusedError, Status

VERSION = "connect-protocol-version"
TYPES = {"application/json": "json", "application/proto": "proto"}
_BY_CODEC = {codec: kind for kind, codec in TYPES.items()}
_WORTH_PACKING = 1024


def is_unary(request: web.Request) -> bool:
    """Whether a request is Connect's, of one message."""
    kind = media_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    return kind == "application/proto" or VERSION in request.headers or request.query.get("connect") == "v1"


async def serve(incoming: Incoming) -> web.Response:
    """Answer a request. Raises RefusedError."""
    method = method_at(incoming)
    codec = connect_codec(incoming.codec)
    if method.streaming:
        raise RefusedError(
            f"{method.path} streams: its content types are application/connect+json and application/connect+proto",
            INVALID_ARGUMENT,
            415,
        )
    if incoming.http.method == "GET":
        kind, data = _from_query(incoming, method)
    else:
        kind, data = await _from_body(incoming)
    request = data if kind == "proto" else serialized(codec.from_json(data or b"{}", method.input))
    if kind == "proto":
        codec.parse(data, method.input)  # what is no such message is the caller's error, not the server's
    async with Call(incoming.channel, incoming.wanted(method, incoming.rules), _single(request)) as call:
        answer, ended = await only_answer(call)
        headers = CONNECT.headers(await call.headers(), ended.trailers)
        if ended.status.code:
            return failure(ended.status, codec, tuple(headers))
        body = answer if kind == "proto" else codec.to_json(codec.answer(answer, method.output))
    return _response(incoming.http, body, _BY_CODEC[kind], tuple(headers))


def method_at(incoming: Incoming) -> Method:
    """The method that the path names. Raises RefusedError (UNIMPLEMENTED, by Connect's rules 404)."""
    method = incoming.loaded.bindings.methods.get(incoming.path)
    if method is None:
        raise RefusedError(f"no method is served at {incoming.path}", UNIMPLEMENTED, 404)
    return method


def connect_codec(codec: Codec) -> Codec:
    """As the others, but unknown members are ignored."""
    return Codec(codec.pool, replace(codec.options, allow_unknown=True))


def failure(status: Status, codec: Codec | None, headers: tuple[tuple[str, str], ...] = ()) -> web.Response:
    """A Connect error."""
    body = dump_json(connect_error(status, codec))
    response = web.Response(body=body, status=status.http_status, content_type="application/json")
    response.headers.extend(headers)
    return response


def _from_query(incoming: Incoming, method: Method) -> tuple[str, bytes]:
    """Codec and message of a GET. Raises RefusedError."""
    if method.idempotency != "no_side_effects":
        raise RefusedError(f"{method.path} may have effects: call it with POST", UNIMPLEMENTED, 405)
    given: Mapping[str, str] = dict(parameters(incoming.query))
    kind, text = given.get("encoding", ""), given.get("message")
    if given.get("connect", "v1") != "v1":
        raise RefusedError(f"connect={given['connect'][:20]}: expected v1")
    if kind not in _BY_CODEC:
        raise RefusedError("encoding: expected json or proto", INVALID_ARGUMENT, 415)
    if text is None:
        raise RefusedError("message: missing")
    data = _unbase64(text) if given.get("base64") == "1" else text.encode()
    return kind, inflated(data, given.get("compression", ""), MOST_MESSAGE_BYTES)


def _unbase64(text: str) -> bytes:
    try:  # URL-safe by the specification; the other alphabet's `+` has become a space
        plain = text.translate(str.maketrans("-_ ", "+/+")).rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError("message: it is not base64") from None


async def _from_body(incoming: Incoming) -> tuple[str, bytes]:
    """Codec and message of a POST. Raises RefusedError."""
    if incoming.http.method != "POST":
        raise RefusedError(f"{incoming.http.method} is not what Connect uses: POST is", UNIMPLEMENTED, 405)
    version = incoming.http.headers.get(VERSION, "1")
    if version != "1":
        raise RefusedError(f"{VERSION}: expected 1, found {version[:20]!r}")
    kind = media_type(incoming.http.headers.get(hdrs.CONTENT_TYPE, ""))
    if kind not in TYPES:
        raise RefusedError(f"content-type {kind!r}: expected one of {', '.join(TYPES)}", INVALID_ARGUMENT, 415)
    return TYPES[kind], await whole_body(incoming.http, incoming.http.headers.get(hdrs.CONTENT_ENCODING, ""))


async def _single(message: bytes) -> AsyncIterator[bytes]:
    yield message


def _response(request: web.Request, body: bytes, kind: str, headers: tuple[tuple[str, str], ...]) -> web.Response:
    packed = len(body) >= _WORTH_PACKING and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    response = web.Response(body=gzipped(body) if packed else body, content_type=kind)
    if packed:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    response.headers[hdrs.VARY] = "Accept-Encoding"
    response.headers.extend(headers)
    return response
