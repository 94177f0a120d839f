"""Steady load for fault tests: a few clients that ask again and again, and count what failed."""

from __future__ import annotations

import http.client
import threading
import time


class Load:
    """Clients on keep-alive connections; use it as a context. `failed` holds what was not answered with 200."""

    def __init__(self, port: int, host: str, clients: int = 4) -> None:
        self.answered = 0
        self.failed: list[tuple[float, str]] = []
        self._port, self._host = port, host
        self._stop = threading.Event()
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._client) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.wait_for(50)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Return when so many more requests were answered."""
        with self._more:
            wanted = self.answered + more
            assert self._more.wait_for(lambda: self.answered >= wanted, timeout=30), self.failed[-3:]

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/", headers={"Host": self._host})
                answer = connection.getresponse()
                answer.read()
                problem = "" if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                problem = repr(error)
            with self._more:
                if problem:
                    self.failed.append((time.monotonic(), problem))
                else:
                    self.answered += 1
                    self._more.notify_all()
        connection.close()
