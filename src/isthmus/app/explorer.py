"""The process of the web explorer: `python -m isthmus.app.explorer STATUS_FD`, started by the supervisor.

Its orders are the first line of standard input: {"runtime": FOLDER, "port": PORT}. It reads what the control plane
writes into the folder, so it goes on showing the last known schemas while that is away.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from isthmus.edge.explorer import make_app
from isthmus.edge.explorer.catalog import Upstream
from isthmus.edge.runtime_dir import CATALOG, SCHEMAS, sockets_in
from isthmus.schema import model
from isthmus.xds.bootstrap import CLUSTER_HEADER

HOST = "127.0.0.1"


class FileCatalog:
    """What the control plane last wrote."""

    def __init__(self, runtime: Path) -> None:
        self._file = runtime / CATALOG
        self._schemas = runtime / SCHEMAS
        self._target = f"unix:{sockets_in(runtime).egress}"

    @property
    def version(self) -> str:
        """Another text for other contents."""
        return hashlib.blake2b(self._body(), digest_size=8).hexdigest()

    @property
    def public_url(self) -> str:
        """Where clients reach the servers."""
        return str(self._read().get("public_url", ""))

    def services(self) -> tuple[Upstream, ...]:
        """The servers, in order."""
        return tuple(self._upstream(each) for each in self._read().get("upstreams", ()))

    def _upstream(self, each: dict[str, Any]) -> Upstream:
        age = f"{_span(time.time() - each['since'])} old" if each["since"] else "never seen"
        failing = each["failing"]
        return Upstream(
            name=each["name"],
            target=self._target,
            metadata=((CLUSTER_HEADER, each["cluster"]),),
            schema=_schema(self._schemas / f"{each['digest']}.msgpack") if each["digest"] else None,
            state=f"{failing}; its schema is {age}" if failing else each["state"],
            stale=bool(failing),
        )

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._body() or b"{}")
        return found

    def _body(self) -> bytes:
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return b""


@functools.lru_cache(maxsize=64)
def _schema(path: Path) -> model.Schema | None:
    try:
        return model.decode(path.read_bytes())
    except FileNotFoundError:
        return None


def _span(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


async def _run(status: int) -> int:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    orders = json.loads(await reader.readline() or b"null")
    if orders is None:
        return 0  # the supervisor has gone
    port = orders["port"]
    runner = web.AppRunner(make_app(FileCatalog(Path(orders["runtime"]))), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        print(f"Error: the explorer cannot listen on {HOST}:{port}: {error.strerror}", file=sys.stderr)
        return 3
    os.write(status, b"ready\n")
    while await reader.read(4096):
        pass
    await runner.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(int(sys.argv[1]))))
