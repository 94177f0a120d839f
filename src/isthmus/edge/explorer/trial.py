"""Swagger UI's "Try it out": the request goes to the gateway's public address by way of the explorer.

The gateway is another origin, to which a browser would let the page speak only if every gateway allowed that. Rule:
the address is always the catalog's own, and only a request that carries our own header is passed on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from isthmus.edge.explorer.catalog import Catalog
from isthmus.edge.explorer.guard import OWN_REQUEST

_SECONDS = 60.0
_NOT_PASSED = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade"),
        *("transfer-encoding", "content-length", "content-encoding", "accept-encoding", "strict-transport-security"),
        *("host", "origin", "referer", "cookie", "set-cookie", OWN_REQUEST.lower()),
    }
)


class Trial:
    """Passes requests on to the catalog's public address."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._session: ClientSession | None = None

    async def session(self, _app: web.Application) -> AsyncIterator[None]:
        """For cleanup_ctx: the connections' whole life."""
        async with ClientSession(timeout=ClientTimeout(total=_SECONDS), auto_decompress=True) as self._session:
            yield

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """/_isthmus/try/PATH?QUERY is PATH?QUERY there."""
        if OWN_REQUEST not in request.headers or self._session is None:
            raise web.HTTPForbidden(text=f"this needs the header {OWN_REQUEST}\n")
        raw = request.raw_path.partition("/_isthmus/try")[2]
        body = await request.read()
        try:
            return await self._pass_on(self._session, request, raw, body)
        except (ClientError, TimeoutError, ValueError) as error:
            return web.json_response(
                {"code": 14, "message": f"{self._catalog.public_url} cannot be reached from the explorer: {error}"},
                status=502,
            )

    async def _pass_on(self, session: ClientSession, request: web.Request, raw: str, body: bytes) -> web.StreamResponse:
        url = self._catalog.public_url.rstrip("/") + raw
        headers = _passed(request.headers.items())
        async with session.request(
            request.method, url, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers=_passed(answer.headers.items()))
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def _passed(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _NOT_PASSED}
