"""A WebSocket server that sends back what it gets, text and binary; without an upgrade it answers plain HTTP.

It sends no pings of its own: an idle connection stays truly idle, so whatever cuts it lies in between.
"""

from __future__ import annotations

import contextlib
import http
import json
import ssl
import sys
import threading

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server as WebSocketServer
from websockets.sync.server import ServerConnection, serve

from isthmus.edge.upstreams.process import PemFiles, main

SERVED_BY = "x-served-by"
_LARGEST_MESSAGE = 16 * 1024 * 1024


class WebSocketEcho:
    """A running server; open connections are closed with 1001 when it stops."""

    def __init__(self, server: WebSocketServer, replica: str) -> None:
        host, port = server.socket.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.replica = replica
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, name=replica, daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many WebSockets are open."""
        return len(self._server.connections)

    def stop(self) -> None:
        """Refuse new connections and close the open ones."""
        self._server.shutdown()
        self._thread.join()


def start(
    host: str = "127.0.0.1", port: int = 0, replica: str = "websocket-echo-1", tls: PemFiles | None = None
) -> WebSocketEcho:
    """Serve in threads of this process. Raises OSError."""

    def answer_plain_http(_: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        return _json({"path": request.path, "replica": replica, "websocket": "send an upgrade to talk"})

    def name_replica(_: ServerConnection, __: Request, response: Response) -> None:
        response.headers[SERVED_BY] = replica

    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    server = serve(
        _echo,
        host,
        port,
        ssl=context,
        process_request=answer_plain_http,
        process_response=name_replica,
        ping_interval=None,
        max_size=_LARGEST_MESSAGE,
    )
    return WebSocketEcho(server, replica)


def _echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        for message in connection:
            connection.send(message)


def _json(value: dict[str, str]) -> Response:
    body = json.dumps(value).encode() + b"\n"
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    return Response(http.HTTPStatus.OK, "OK", Headers(fields), body)


if __name__ == "__main__":
    sys.exit(main(start, "websocket-echo-1"))
