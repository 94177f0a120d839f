"""A TLS server that speaks just enough HTTP/2 to see how a gRPC client introduces itself."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from hpack import Decoder

from isthmus.edge.pki import Pair


def files_of(pair: Pair, folder: Path, name: str = "server") -> tuple[str, str]:
    """The pair as files: certificate and key."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    for path, content in zip(paths, (pair.cert_pem, pair.key_pem), strict=True):
        path.write_bytes(content)
    return str(paths[0]), str(paths[1])


class Seen:
    """What the first client said."""

    def __init__(self) -> None:
        self.sni: str | None = None
        self.address = ""
        self.headers: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()


@contextlib.asynccontextmanager
async def observing(certificate: tuple[str, str]) -> AsyncIterator[Seen]:
    """The server; it never answers a call."""
    seen = Seen()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.set_alpn_protocols(["h2"])

    def named(_: ssl.SSLObject | ssl.SSLSocket, name: str | None, __: ssl.SSLContext) -> None:
        seen.sni = name

    context.sni_callback = named

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            await reader.readexactly(24)
            writer.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            while True:
                head = await reader.readexactly(9)
                body = await reader.readexactly(int.from_bytes(head[:3]))
                if head[3] == 1 and not seen.headers.done():
                    seen.headers.set_result(dict(Decoder().decode(body)))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        seen.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield seen
