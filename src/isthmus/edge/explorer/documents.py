"""OpenAPI documents as they go out, made once for each schema.

One of thousands of methods takes seconds to make: in a thread, so that calls and pages go on meanwhile. Rule: whoever
asks for a document that is being made waits for that one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import msgspec

from isthmus.schema.model import Schema

_MOST = 16
_Key = tuple[str, str, str]  # digest, title, URL


class Documents:
    """The documents that were asked for last."""

    def __init__(self) -> None:
        self._made: OrderedDict[_Key, asyncio.Future[bytes]] = OrderedDict()

    async def of(self, schema: Schema, title: str, server_url: str) -> bytes:
        """The document as JSON."""
        key = (schema.digest, title, server_url)
        found = self._made.get(key)
        if found is None or (found.done() and (found.cancelled() or found.exception())):
            found = self._made[key] = asyncio.ensure_future(asyncio.to_thread(_make, schema, title, server_url))
        self._made.move_to_end(key)
        while len(self._made) > _MOST:
            self._made.popitem(last=False)
        return await asyncio.shield(found)  # who goes away does not end it for others


def _make(schema: Schema, title: str, server_url: str) -> bytes:
    from isthmus.schema.openapi import openapi  # noqa: PLC0415 - large, and seldom wanted

    return msgspec.json.encode(openapi(schema, title=title, server_url=server_url))
