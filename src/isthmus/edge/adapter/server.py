"""The adapter's HTTP side: tells protocols apart and answers every request in the caller's own.

It listens on a Unix socket that only Envoy is told of. Rule: nothing leaves here without a body that the caller can
read, whatever went wrong; a caller that goes away ends its call at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import NamedTuple

from aiohttp import WSCloseCode, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from isthmus.edge.adapter import connect, connect_stream, rest, websocket
from isthmus.edge.adapter.calls import open_egress
from isthmus.edge.adapter.reflection import ReflectionServer
from isthmus.edge.adapter.requests import Incoming, split_target
from isthmus.edge.adapter.schemas import Schemas
from isthmus.schema.bindings import NotAllowedError
from isthmus.schema.codec import Codec, options_of
from isthmus.schema.header_rules import CONNECT, HeaderRules
from isthmus.schema.status import INTERNAL, RefusedError, Status

GRACE_SECONDS = 5.0
_LOG = logging.getLogger(__name__)


class Orders(NamedTuple):
    """Where to listen (`listen` for HTTP, `grpc_listen` for reflection), Envoy's `egress`, the folder of schemas."""

    listen: str
    egress: str
    grpc_listen: str
    schemas: str


class Adapter:
    """A running adapter. `rules` say which headers become metadata, unless a request is Connect's."""

    def __init__(self, orders: Orders, rules: HeaderRules | None = None) -> None:
        self._orders = orders
        self._rules = rules or HeaderRules()
        self._schemas = Schemas(Path(orders.schemas))
        self._channel = open_egress(orders.egress)
        self._sockets: set[web.WebSocketResponse] = set()
        self._reflection = ReflectionServer(self._schemas)
        app = web.Application()
        app.router.add_route(hdrs.METH_ANY, "/{path:.*}", self._handle)
        app.on_shutdown.append(self._close_sockets)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            auto_decompress=False,
            shutdown_timeout=GRACE_SECONDS,
            max_line_size=65_536,
            max_field_size=65_536,
        )

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await self._runner.setup()
        before = os.umask(0o177)  # nobody else may connect, from the first moment on
        try:
            await web.UnixSite(self._runner, self._orders.listen).start()
            await self._reflection.start(self._orders.grpc_listen)
        finally:
            os.umask(before)

    def hear(self, line: bytes) -> None:
        """Envoys may come and go: nothing of theirs is kept."""

    async def stop(self) -> None:
        """Take nothing new; let what runs end within the grace period, then cut it."""
        await asyncio.gather(self._runner.cleanup(), self._reflection.stop(GRACE_SECONDS))
        await self._channel.close()

    async def _close_sockets(self, _app: web.Application) -> None:
        sockets = tuple(self._sockets)
        await asyncio.gather(*(each.close(code=WSCloseCode.GOING_AWAY) for each in sockets), return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except RefusedError as error:
            return _refusal(request, error)
        except HttpProcessingError as error:  # a body that is framed or coded wrongly
            return _refusal(request, RefusedError(f"the request cannot be read: {error.message}"))
        except (ConnectionError, asyncio.CancelledError, web.HTTPException):
            raise
        except Exception:  # noqa: BLE001 - our own mistake: one request is lost, not the connection of others
            _LOG.exception("a request failed: %s %s", request.method, request.path)
            return _refusal(request, RefusedError("the gateway's adapter failed", INTERNAL))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        loaded = await self._schemas.load(headers.get("x-isthmus-schema", ""))
        codec = Codec(loaded.pool, options_of(headers.get("x-isthmus-options", "")))
        only = "only-headers" in headers.get("x-isthmus-options", "")
        rules = self._rules.with_passed(headers.get("x-isthmus-pass", ""), only)
        path, query = split_target(request.raw_path)
        incoming = Incoming(request, self._channel, loaded, codec, rules, path, query)
        if websocket.is_upgrade(request):
            return await websocket.serve(incoming, self._sockets)
        if connect_stream.is_stream(request):
            return await connect_stream.serve(incoming._replace(rules=CONNECT))
        if connect.is_unary(request):
            return await connect.serve(incoming._replace(rules=CONNECT))
        return await rest.serve(incoming)


def _refusal(request: web.Request, error: RefusedError) -> web.Response:
    speaks_connect = connect_stream.is_stream(request) or connect.is_unary(request)
    if not speaks_connect or websocket.is_upgrade(request):
        return rest.refusal(error)
    status = Status(error.status.code, error.status.message, http=error.status.http)
    headers: CIMultiDict[str] = CIMultiDict()
    if status.http == 405 and not isinstance(error, NotAllowedError):
        headers[hdrs.ALLOW] = "POST"
    if status.http == 415:
        headers["Accept-Post"] = ", ".join((*connect.TYPES, *connect_stream.TYPES))
    return connect.failure(status, None, tuple(headers.items()))
