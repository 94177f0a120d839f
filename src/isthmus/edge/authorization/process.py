"""The helper as a process: orders in, `ready` out, an end in order.

Rule: it ends when whoever gave the orders is gone (standard input ends) or asks for it (SIGTERM, SIGINT), and lets
running calls end first, for as long as the grace period is.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable

from isthmus.edge.authorization.server import Orders, Server

CANNOT_SERVE = 3


async def main(tell_ready: Callable[[], object]) -> int:
    """Orders are the first line of standard input, in JSON: listen, egress, policies. Returns the exit code.

    A line `envoy PID` says that Envoy has been started, again perhaps.
    """
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        line = await reader.readline()
        if not line.strip():
            return 0  # whoever started it has gone
        return await _run(Orders(**json.loads(line)), reader, asked, tell_ready)
    except (TypeError, ValueError) as error:
        print(f"Error: the authorization helper does not understand its orders: {error}", file=sys.stderr)
        return CANNOT_SERVE
    finally:
        transport.close()


async def _run(
    orders: Orders, reader: asyncio.StreamReader, asked: asyncio.Event, tell_ready: Callable[[], object]
) -> int:
    """Serve until `reader` ends or `asked` is set."""
    server = Server(orders)
    try:
        await server.start()
    except OSError as error:
        print(f"Error: the authorization helper cannot listen: {error}", file=sys.stderr)
        await server.stop()
        return CANNOT_SERVE
    tell_ready()
    waiting = [asyncio.create_task(_hear(reader, server)), asyncio.create_task(asked.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await server.stop()
    return 0


async def _hear(reader: asyncio.StreamReader, server: Server) -> bool:
    """Until nobody is there any more to say something."""
    while line := await reader.readline():
        if line.startswith(b"envoy "):
            server.envoy_started()
    return True
