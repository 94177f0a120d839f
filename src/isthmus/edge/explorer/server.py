"""The explorer's HTTP server: the built page, what it asks for, and the ways to call.

Knows the Catalog and nothing of what is behind it. Rule: it answers only under /_isthmus/, so that it could stand
on a port with others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec
from aiohttp import hdrs, web

from isthmus.edge.explorer.bridge import MOST_BYTES, Bridge
from isthmus.edge.explorer.catalog import Catalog, find
from isthmus.edge.explorer.describe import catalog_json, types_json
from isthmus.edge.explorer.documents import Documents
from isthmus.edge.explorer.guard import add_headers, guard
from isthmus.edge.explorer.pools import Pools
from isthmus.edge.explorer.trial import Trial

STATIC = Path(__file__).with_name("static")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_LOOK_SECONDS = 0.25  # how soon a page hears of a change
_MOST_LISTENERS = 64
_LONG = 64 * 1024
_FOREVER = "public, max-age=31536000, immutable"  # names of assets hold a hash of their contents
_NOT_BUILT = "The explorer's page is not built here. In a checkout run: make venv (it needs node 20.19 or newer).\n"


def make_app(catalog: Catalog, *, allowed_hosts: Iterable[str] = LOCAL_HOSTS, static: Path = STATIC) -> web.Application:
    """The explorer of this catalog. `allowed_hosts` are the names (without ports) that it may be opened by."""
    app = web.Application(middlewares=[guard(allowed_hosts)], client_max_size=MOST_BYTES)
    app.on_response_prepare.append(add_headers)
    pools = Pools()
    api = _Api(catalog, pools)
    app.on_shutdown.append(api.stop)
    page = _file(static / "index.html")
    app.router.add_get("/", _to_page)
    app.router.add_get("/_isthmus", _to_page)
    app.router.add_get("/_isthmus/", page)
    app.router.add_get("/_isthmus/openapi", _file(static / "openapi.html"))
    app.router.add_get("/_isthmus/assets/{name}", _assets(static / "assets"))
    app.router.add_get("/_isthmus/api/catalog", api.catalog)
    app.router.add_get("/_isthmus/api/types", api.types)
    app.router.add_get("/_isthmus/api/openapi.json", api.openapi)
    app.router.add_get("/_isthmus/api/events", api.events)
    bridge = Bridge(catalog, pools)
    app.on_shutdown.append(bridge.stop)
    app.router.add_get("/_isthmus/api/call", bridge.handle)
    trial = Trial(catalog)
    app.cleanup_ctx.append(trial.session)
    app.router.add_route(hdrs.METH_ANY, "/_isthmus/try{path:/.*}", trial.handle)
    return app


class _Api:
    """What the page reads."""

    def __init__(self, catalog: Catalog, pools: Pools) -> None:
        self._catalog = catalog
        self._pools = pools
        self._documents = Documents()
        self._listeners: set[asyncio.Task[None] | None] = set()

    async def catalog(self, _request: web.Request) -> web.Response:
        return _answer(await asyncio.to_thread(self._catalog_now))

    def _catalog_now(self) -> bytes:
        served = self._catalog.services()
        comments = {each.name: self._pools.load_now(each.schema).comments for each in served if each.schema}
        return msgspec.json.encode(catalog_json(self._catalog, comments))

    async def types(self, request: web.Request) -> web.Response:
        """?upstream=NAME&method=/package.Service/Method"""
        upstream = find(self._catalog, request.query.get("upstream", ""))
        if upstream is None or upstream.schema is None:
            return _json({"error": "no such server, or its schema is not known"}, 404)
        loaded = await self._pools.load(upstream.schema)
        method = loaded.methods.get(request.query.get("method", ""))
        if method is None:
            return _json({"error": "the server has no such method any more"}, 404)
        return _json({"types": types_json(method, loaded.pool, loaded.comments)})

    async def openapi(self, request: web.Request) -> web.Response:
        """?upstream=NAME; without it, the first."""
        upstream = find(self._catalog, request.query.get("upstream", ""))
        if upstream is None or upstream.schema is None:
            return _json({"error": "no such server, or its schema is not known"}, 404)
        return _answer(await self._documents.of(upstream.schema, upstream.name, self._catalog.public_url))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the catalog's version, now and whenever it changes."""
        if len(self._listeners) >= _MOST_LISTENERS:
            return _json({"error": "too many pages listen already"}, 503)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        task = asyncio.current_task()
        self._listeners.add(task)
        told = None
        try:
            while True:
                version = self._catalog.version
                # A comment keeps the connection known to be alive, and finds out when the page is gone.
                await response.write(b":\n\n" if version == told else f"data: {version}\n\n".encode())
                told = version
                await asyncio.sleep(_LOOK_SECONDS)
        except ConnectionError:
            return response
        finally:
            self._listeners.discard(task)

    async def stop(self, _app: web.Application) -> None:
        """Let go of the pages that listen, so that the server can end."""
        listeners = [task for task in self._listeners if task is not None]
        for task in listeners:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*listeners, return_exceptions=True)


def _json(data: object, status: int = 200) -> web.Response:
    return _answer(msgspec.json.encode(data), status)


def _answer(body: bytes, status: int = 200) -> web.Response:
    """JSON; what is long is compressed in a thread."""
    response = web.Response(
        body=body,
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store"},
        zlib_executor_size=_LONG,
    )
    response.enable_compression()
    return response


async def _to_page(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/_isthmus/")


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(_request: web.Request) -> web.StreamResponse:
        if not path.is_file():
            return web.Response(text=_NOT_BUILT, status=503)
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return serve


def _assets(folder: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        # The route's one segment holds no slash, but may be `..` or come percent-encoded.
        path = folder / Path(request.match_info["name"]).name
        if path.parent != folder or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": _FOREVER})

    return serve
