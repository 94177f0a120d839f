"""Who may speak to the explorer: only pages that it served, under the names that it is known by.

A page of another site must not reach it, not even by a name that it points to this machine (DNS rebinding). Rule:
every answer leaves with the headers below, errors too.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

OWN_REQUEST = "X-Isthmus-Explorer"  # a header that no page of another site may send without asking first

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def guard(allowed_hosts: Iterable[str]) -> Middleware:
    """A middleware that lets only these names in, on any port. `*` lets all in."""
    allowed = frozenset(host.lower().strip("[]") for host in allowed_hosts)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "*" not in allowed and _name(request.host) not in allowed:
            return _refuse(f"The explorer is not known as {request.host}: open it by one of its own names.", 421)
        if not _own(request):
            return _refuse("Only the explorer's own page may do this.", 403)
        return await handler(request)

    return middleware


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """For the on_response_prepare signal: an error's answer passes there too."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _own(request: web.Request) -> bool:
    """Whether it comes from our own page, as far as the browser says."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin") or _only_opens(request)


def _only_opens(request: web.Request) -> bool:
    """A link from elsewhere that opens the page itself."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _name(host: str) -> str:
    return (urlsplit(f"//{host}").hostname or "").lower()


def _refuse(text: str, status: int) -> web.Response:
    return web.Response(text=text + "\n", status=status)
