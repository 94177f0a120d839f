"""A process that helps the gateway: orders in, `ready` out, an end in order.

May not know what it serves. Rule: it ends when whoever gave the orders is gone (standard input ends) or asks for it
(SIGTERM, SIGINT), and lets running requests end first, for as long as the helper's grace period is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol

CANNOT_SERVE = 3


class Helper(Protocol):
    """What the process serves."""

    async def start(self) -> None:
        """Listen. Raises OSError."""

    async def stop(self) -> None:
        """Let running requests end, then close everything."""

    def hear(self, line: bytes) -> None:
        """The supervisor says something: `envoy PID` when Envoy has been started, again perhaps."""


async def run(name: str, make: Callable[..., Helper], status: int) -> int:
    """Make a helper by its orders, the first line of standard input, in JSON, and serve. Returns the exit code.

    `ready` is written to the file descriptor `status`. `make` raises TypeError for orders that it does not know.
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
        try:
            helper = make(**json.loads(line))
        except (TypeError, ValueError) as error:
            print(f"Error: {name} does not understand its orders: {error}", file=sys.stderr)
            return CANNOT_SERVE
        return await _serve(name, helper, reader, asked, status)
    finally:
        transport.close()


async def _serve(name: str, helper: Helper, reader: asyncio.StreamReader, asked: asyncio.Event, status: int) -> int:
    """Until `reader` ends or `asked` is set."""
    try:
        await helper.start()
    except OSError as error:
        print(f"Error: {name} cannot listen: {error}", file=sys.stderr)
        await helper.stop()
        return CANNOT_SERVE
    with contextlib.suppress(OSError):  # nobody may be reading it
        os.write(status, b"ready\n")
    waiting = [asyncio.create_task(_hear(reader, helper)), asyncio.create_task(asked.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await helper.stop()
    return 0


async def _hear(reader: asyncio.StreamReader, helper: Helper) -> bool:
    while line := await reader.readline():
        helper.hear(line)
    return True
