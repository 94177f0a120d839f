"""Steady load on the library's API in every client protocol: what was not answered well is kept."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

_LIST = "/library.v1.LibraryService/ListShelves"
_EMPTY = b"\0\0\0\0\0"
_HTTP = {  # client protocol -> method, path, body, headers, what a good answer holds
    "rest": ("GET", "/v1/shelves/1", b"", {}, b'"shelves/1"'),
    "grpc-web": ("POST", _LIST, _EMPTY, {"content-type": "application/grpc-web+proto"}, b"grpc-status:0"),
    "connect": ("POST", _LIST, b"", {"content-type": "application/proto"}, b"shelves/1"),
    "connect-json": (
        *("POST", _LIST, b"{}"),
        {"content-type": "application/json", "connect-protocol-version": "1"},
        b'"shelves/1"',
    ),
}
_PACE_SECONDS = 0.01  # between two requests of a client: what is under test needs the processors too
_BOUNCE = "/v1/trials/bounce"


class ApiLoad:
    """A client of each kind; use it as a context. `failed` holds what went wrong, by protocol."""

    def __init__(self, port: int, host: str) -> None:
        self.failed: list[str] = []
        self._port, self._host = port, host
        self._stop = threading.Event()
        self._changed = threading.Condition()
        clients = {kind: self._http(kind) for kind in _HTTP}
        clients |= {"websocket": self._one_socket, "websockets": self._many_sockets}
        self._answered = dict.fromkeys(clients, 0)
        self._threads = [threading.Thread(target=client) for client in clients.values()]

    def __enter__(self) -> ApiLoad:
        for thread in self._threads:
            thread.start()
        try:
            self.wait_for(20)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Return when each client was answered so many times more."""
        with self._changed:
            wanted = {kind: count + more for kind, count in self._answered.items()}
            done = self._changed.wait_for(
                lambda: all(count >= wanted[kind] for kind, count in self._answered.items()), timeout=60
            )
            assert done, (self._answered, wanted, self.failed[-3:])

    def _note(self, kind: str, problem: str) -> None:
        with self._changed:
            if problem:
                self.failed.append(f"{kind}: {problem}")
            else:
                self._answered[kind] += 1
                self._changed.notify_all()
        self._stop.wait(_PACE_SECONDS)

    def _http(self, kind: str) -> Callable[[], None]:
        method, path, body, headers, good = _HTTP[kind]

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            with contextlib.closing(connection):
                while not self._stop.is_set():
                    try:
                        connection.request(method, path, body, {"Host": self._host, **headers})
                        answer = connection.getresponse()
                        said = answer.read()
                        well = answer.status == 200 and good in said
                        self._note(kind, "" if well else f"{answer.status} {said!r}")
                    except (OSError, http.client.HTTPException) as error:
                        connection.close()
                        self._note(kind, repr(error))

        return ask

    def _connect(self) -> ClientConnection:
        sock = socket.create_connection(("127.0.0.1", self._port), 20)
        url = f"ws://{self._host}{_BOUNCE}"
        return connect(url, sock=sock, ping_interval=None, open_timeout=20, close_timeout=0.05)

    def _one_socket(self) -> None:
        """One stream all the time: it must not be cut."""
        try:
            with self._connect() as client:
                number = 0
                while not self._stop.is_set():
                    number += 1
                    client.send(json.dumps({"number": number}))
                    came = json.loads(client.recv(timeout=20))
                    self._note("websocket", "" if came == {"number": str(number)} else repr(came))
        except (OSError, WebSocketException) as error:
            self._note("websocket", repr(error))

    def _many_sockets(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as client:
                    client.send('{"number": 7}')
                    came = json.loads(client.recv(timeout=20))
                self._note("websockets", "" if came == {"number": "7"} else repr(came))
            except (OSError, WebSocketException) as error:
                self._note("websockets", repr(error))
