"""Plans schemas in a process that may fail: bounded in time, memory and output, and gone afterwards.

What a server sends is parsed nowhere else. The process is told the descriptors on standard input and answers with the
schema and the gateway's plan for it on standard output. Rule: whatever it is given, the caller waits no longer than
the limit and gets a plan or a SchemaError.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from isthmus.edge.schema_order import MAPPING, MEMORY, Order, Planned
from isthmus.schema.text import shown

_ANSWER = 8  # an answer is at most that many times as large as the descriptors may be
# -P: what lies in the current directory is not imported.
_COMMAND = (sys.executable, "-P", "-m", "isthmus.edge.schema_child")


class Limits(NamedTuple):
    """Seconds of wall time and of CPU; bytes of descriptors; bytes of address space."""

    seconds: float = 10.0
    size: int = 16 * 1024 * 1024
    memory: int = 1024 * 1024 * 1024


class SchemaError(Exception):
    """Why there is no plan; `kind` is too-large, timeout, memory, mapping or broken."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def plan_schema(
    raw: Iterable[bytes],
    *,
    mapping: bytes = b"",
    source: str = "",
    prefix: str = "",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Planned:
    """The plan for these descriptors. Raises SchemaError."""
    files = tuple(raw)
    size = sum(map(len, files))
    if size > limits.size:
        raise SchemaError("too-large", f"the descriptors have {size} bytes; {limits.size} are allowed")
    order = Order(files, mapping, source, prefix, math.ceil(limits.seconds), limits.memory)
    started = time.monotonic()
    code, answer = await _ask(msgspec.msgpack.encode(order), limits)
    if code == -signal.SIGSEGV:  # seen once in thousands of runs, and not again with the same descriptors
        left = max(0.0, limits.seconds - (time.monotonic() - started))
        code, answer = await _ask(msgspec.msgpack.encode(order), limits._replace(seconds=left))
    if code == 0:
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(answer, type=Planned)
    raise _failed(code, answer.decode(errors="replace").strip(), limits)


def _failed(code: int, said: str, limits: Limits) -> SchemaError:
    if code == MAPPING:
        return SchemaError("mapping", said)
    if code == MEMORY:
        return SchemaError("memory", f"planning its schema took more than {limits.memory >> 20} MiB of memory")
    if code == -signal.SIGXCPU:
        return SchemaError("timeout", f"planning its schema took longer than {limits.seconds:g} s")
    how = shown(said) if code == 1 and said else f"exit code {code}" if code >= 0 else f"signal {-code}"
    return SchemaError("broken", f"its descriptors could not be planned ({how})")


async def _ask(order: bytes, limits: Limits) -> tuple[int, bytes]:
    """The exit code, negative for a signal, and the answer."""
    child = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(limits.seconds):
            answer = await _talk(child, order, _ANSWER * limits.size)
            code = await child.wait()
    except TimeoutError:
        raise SchemaError("timeout", f"planning its schema took longer than {limits.seconds:g} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return code, answer


async def _talk(child: asyncio.subprocess.Process, order: bytes, most: int) -> bytes:
    assert child.stdin is not None and child.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended: its exit code says why
        child.stdin.write(order)
        await child.stdin.drain()
    child.stdin.close()
    try:
        await child.stdout.readexactly(most)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    raise SchemaError("too-large", f"the plan for its descriptors has more than {most} bytes")
