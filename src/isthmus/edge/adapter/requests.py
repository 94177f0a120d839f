"""What a request that Envoy forwards says: the schema, the cluster, the caller's headers, and its body in pieces.

The x-isthmus-* headers are Envoy's, which overwrites the caller's. Rule: a body is never read faster than it is used,
and never held beyond the limit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import grpc.aio
from aiohttp import web

from isthmus.edge.adapter.calls import MOST_MESSAGE_BYTES, Wanted
from isthmus.edge.adapter.schemas import Loaded
from isthmus.schema.codec import Codec
from isthmus.schema.header_rules import HeaderRules, deadline
from isthmus.schema.inflate import Inflate
from isthmus.schema.model import Method
from isthmus.schema.status import DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, RefusedError


class Incoming(NamedTuple):
    """One request, with all that is needed to answer it. `path` and `query` are as sent, percent-encoded."""

    http: web.Request
    channel: grpc.aio.Channel
    loaded: Loaded
    codec: Codec
    rules: HeaderRules
    path: str
    query: str

    @property
    def cluster(self) -> str:
        """Where Envoy is to send the call."""
        return self.http.headers.get("x-isthmus-cluster", "")

    def wanted(self, method: Method, rules: HeaderRules | None = None) -> Wanted:
        """The call that the headers ask for. Raises RefusedError."""
        headers = tuple(self.http.headers.items())
        chosen = rules or self.rules
        seconds = deadline(headers)
        if seconds == 0:  # gRPC would take it for no deadline at all
            raise RefusedError("the deadline has passed already", DEADLINE_EXCEEDED)
        return Wanted(method.path, self.cluster, chosen.metadata(headers), seconds)


def split_target(target: str) -> tuple[str, str]:
    """Path and query of a request's target, which may be a whole URL."""
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path, query.partition("#")[0]


async def pieces(request: web.Request, encoding: str) -> AsyncIterator[bytes]:
    """The body as it comes, unpacked. Raises RefusedError."""
    unpacker = Inflate(encoding, MOST_MESSAGE_BYTES)
    async for data in request.content.iter_any():
        yield unpacker.feed(data)
    unpacker.finish()


async def whole_body(request: web.Request, encoding: str) -> bytes:
    """The body at once. Raises RefusedError (413)."""
    length = request.content_length
    if length is not None and length > MOST_MESSAGE_BYTES:
        raise _too_large()
    held = bytearray()
    async for data in pieces(request, encoding):
        held += data
        if len(held) > MOST_MESSAGE_BYTES:
            raise _too_large()
    return bytes(held)


def media_type(header: str) -> str:
    """A content type without its parameters, in lower case."""
    return header.partition(";")[0].strip().lower()


def _too_large() -> RefusedError:
    return RefusedError(f"the body is larger than {MOST_MESSAGE_BYTES} bytes", RESOURCE_EXHAUSTED, 413)
