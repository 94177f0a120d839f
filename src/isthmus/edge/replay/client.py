"""One gateway as a client sees it: a request goes to its address, with the recorded host in Host and SNI.

No redirect is followed, no cookie kept, no proxy of the environment used. A request goes out once; only one that met
the end of a kept connection goes out again, on a new one (RFC 9110 9.2.2: if it may be repeated). Rule: nothing but the
given addresses is ever connected to.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from types import SimpleNamespace, TracebackType

import aiohttp
from yarl import URL

from isthmus.replay.answer import MOST_BYTES, Answer, Base, Outcome, Silence, chosen
from isthmus.replay.request import Recorded

_MOST_HEADER = 256 * 1024  # bytes of a header; more than any gateway sends
_MOST_HEADERS = 1000
_OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # aiohttp's, where none was recorded
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})  # RFC 9110 9.2.2


class _LostError(Exception):
    """The connection ended without an answer. Not one of aiohttp's: those make it send the request again."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Gateway:
    """A gateway with its connections; use it as a context."""

    def __init__(self, bases: tuple[Base, ...], seconds: float, tls: ssl.SSLContext) -> None:
        """`seconds` bounds a request from the connection to the last byte."""
        self.bases = bases
        self._seconds = seconds
        self._tls = tls

    async def __aenter__(self) -> Gateway:
        self._kept = self._session(force_close=False)
        self._once = self._session(force_close=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._kept.close()
        await self._once.close()

    def _session(self, force_close: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls, force_close=force_close),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            skip_auto_headers=_OWN_HEADERS,
            auto_decompress=False,
            middlewares=(_sent_once,),
            trace_configs=[_noticing()],
            max_line_size=_MOST_HEADER,
            max_field_size=_MOST_HEADER,
            max_headers=_MOST_HEADERS,
        )

    async def reach(self) -> Silence | None:
        """Whether every address takes connections; the reason of the first that does not."""
        for base in self.bases:
            try:
                async with asyncio.timeout(self._seconds):
                    _, writer = await asyncio.open_connection(base.host, base.port)
            except (OSError, UnicodeError) as error:
                return Silence(f"{base}: {_why(error, self._seconds)}")
            writer.close()
        return None

    async def ask(self, request: Recorded) -> Outcome:
        """The answer of the gateway to one request."""
        try:
            return await self._attempt(request, self._kept if request.method in _REPEATABLE else self._once)
        except _LostError:
            return await self._attempt(request, self._once)

    async def _attempt(self, request: Recorded, session: aiohttp.ClientSession) -> Outcome:
        """Raises _LostError where a kept connection ended; a new one that ends is silence."""
        connection = SimpleNamespace(kept=False)
        head: Answer | None = None
        body, cut = bytearray(), ""
        try:
            async with asyncio.timeout(self._seconds), self._request(request, session, connection) as response:
                headers = tuple((name.lower(), value) for name, value in response.headers.items())
                head = Answer(response.status, headers)
                cut = await _read(response, body)
        except _LostError as error:
            if connection.kept:
                raise
            return Silence(_why(error.cause, self._seconds))
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            if head is None:
                return Silence(_why(error, self._seconds))
            cut = f"after {self._seconds:g} s" if isinstance(error, TimeoutError) else "by the gateway"
        return Answer(head.status, head.headers, bytes(body), cut)

    def _request(
        self, request: Recorded, session: aiohttp.ClientSession, connection: SimpleNamespace
    ) -> aiohttp.client._RequestContextManager:
        base = chosen(self.bases, request.scheme)
        return session.request(
            request.method,
            URL(f"{base}{request.target}", encoded=True),
            headers=[("Host", request.host or base.authority), *request.headers],
            data=request.body or None,
            allow_redirects=False,
            server_hostname=_name(request.host) or None,
            trace_request_ctx=connection,
        )


async def _sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a request again by itself."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostError(error) from error


def _noticing() -> aiohttp.TraceConfig:
    """Notes on a request's context whether its connection was kept from an earlier one."""

    async def note(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.kept = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config


def _name(host: str) -> str:
    """The name in a Host header, as SNI has it: no port, no brackets, no dot at the end."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


async def _read(response: aiohttp.ClientResponse, body: bytearray) -> str:
    """The body up to the limit; why it is not all of it."""
    async for chunk in response.content.iter_any():
        body += chunk[: MOST_BYTES - len(body)]
        if len(body) >= MOST_BYTES:
            response.close()
            return f"after {MOST_BYTES >> 20} MiB"
    return ""


def _why(error: Exception, seconds: float) -> str:
    """One clause for people; the same for the same cause, without ports and addresses."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            cause = error.certificate_error
            return f"the certificate is not trusted: {getattr(cause, 'verify_message', '') or cause}"
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved"
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return f"no TLS connection: {getattr(error, 'reason', None) or error.strerror or error}"
        case aiohttp.ClientConnectorError():
            return f"cannot connect: {os.strerror(error.os_error.errno) if error.os_error.errno else error.os_error}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionResetError():
            return "the connection was closed without an answer"
        case aiohttp.ClientResponseError():
            return f"no HTTP answer: {error.message.partition(chr(10))[0].rstrip(':')}"
        case TimeoutError():
            return f"no answer within {seconds:g} s"
        case OSError() if error.errno and error.errno > 0:
            return f"cannot connect: {os.strerror(error.errno)}"
    return f"{error}" or type(error).__name__
