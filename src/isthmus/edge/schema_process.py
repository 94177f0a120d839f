"""Plans schemas in a process that may fail: bounded in time, memory and output, and gone afterwards.

What a server sends is parsed nowhere else. The process is told the descriptors on standard input and answers with the
schema and the gateway's plan for it on standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from isthmus.edge.schema_order import MAPPING, Order, Planned


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
    services: Iterable[str] | None = None,
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
    wanted = None if services is None else tuple(services)
    order = Order(files, wanted, mapping, source, prefix, int(limits.seconds), limits.memory)
    code, answer = await _ask(msgspec.msgpack.encode(order), limits)
    if code == 0:
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(answer, type=Planned)
    if code == MAPPING:
        raise SchemaError("mapping", answer.decode(errors="replace").strip())
    raise SchemaError("broken", f"its descriptors could not be planned (exit code {code}); the process has been ended")


async def _ask(order: bytes, limits: Limits) -> tuple[int, bytes]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "isthmus.edge.schema_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=4 * limits.size,
    )
    try:
        async with asyncio.timeout(limits.seconds):
            answer, _ = await child.communicate(order)
    except TimeoutError:
        raise SchemaError("timeout", f"planning its schema took longer than {limits.seconds:g} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return child.returncode or 0, answer
