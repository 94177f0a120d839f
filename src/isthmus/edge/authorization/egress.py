"""How questions travel: over Envoy's private socket, which balances, encrypts and counts them like any request.

A header names the cluster, which no client can reach. Rule: no answer in time, or none that can be read, is None.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from isthmus.edge.authorization.question import Answer, Ask
from isthmus.xds.bootstrap import CLUSTER_HEADER, QUESTION_HEADER

Send = Callable[[str, Ask], Awaitable[Answer | None]]

_SECONDS = 60.0  # nginx's proxy_read_timeout
_CONNECTIONS = 1_000
_LARGEST_FIELD = 65_536
_MOST_BODY = 65_536  # bytes that are read to keep the connection; the body itself is of no use


class Egress:
    """Questions to Envoy at `path`."""

    def __init__(self, path: str) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path, limit=_CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            auto_decompress=False,
            max_line_size=_LARGEST_FIELD,
            max_field_size=_LARGEST_FIELD,
        )

    async def close(self) -> None:
        """End what runs."""
        await self._session.close()

    async def send(self, cluster: str, ask: Ask) -> Answer | None:
        """Ask a server of that cluster."""
        headers = CIMultiDict(ask.headers)
        headers["host"] = ask.host
        headers[CLUSTER_HEADER] = cluster
        headers[QUESTION_HEADER] = "1"
        url = URL(f"http://egress{ask.path}", encoded=True)
        try:
            async with self._session.request(ask.method, url, headers=headers, allow_redirects=False) as response:
                await _read_away(response)
                return Answer(response.status, tuple((name.lower(), value) for name, value in response.headers.items()))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return None


async def _read_away(response: aiohttp.ClientResponse) -> None:
    """Up to a limit: a connection whose answer was read to its end can be used again."""
    seen = 0
    async for piece in response.content.iter_any():
        seen += len(piece)
        if seen > _MOST_BODY:
            return
