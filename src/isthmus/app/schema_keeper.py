"""Keeps the schemas of gRPC servers up to date: asks each server, and asks again when it restarts or changes.

One task a server, none of which can hold up another. The last good schema stays while a server is away; what is
known and since when is always to be seen. May not know what schemas are used for. Rule: what a server says is parsed
in a limited process of its own, never here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import NamedTuple

from grpc import ChannelConnectivity
from grpc.aio import Channel

from isthmus.edge.grpc_client.channels import ChannelError, Target, handshake, handshake_refusal, open_channel
from isthmus.edge.grpc_client.probe import refusal
from isthmus.edge.grpc_client.reflection import ReflectionError, reflect
from isthmus.edge.schema_order import Planned
from isthmus.edge.schema_process import SchemaError, plan_schema
from isthmus.ir.backend import ServicePortRef

_LOOK_SECONDS = 10.0  # between two questions to a server that has not gone away: its schema seldom changes
_CONNECT_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Source(NamedTuple):
    """Where a schema comes from: a server's reflection, or descriptors that were given (`raw`)."""

    target: Target
    raw: tuple[bytes, ...] = ()
    mapping: bytes = b""
    mapping_name: str = ""
    prefix: str = ""


class Known(NamedTuple):
    """What is known of a server's schema. `state` is for people; `failing` is empty while all is well.

    `since` is the Unix time at which the schema was last seen to be true, 0 if it never was.
    """

    port: ServicePortRef
    planned: Planned | None = None
    state: str = "asking for its schema"
    failing: str = ""
    since: float = 0.0

    @property
    def name(self) -> str:
        """HOST:PORT of a bare server, NAMESPACE/SERVICE:PORT of a Service."""
        return f"{self.port.service if self.bare else f'{self.port.namespace}/{self.port.service}'}:{self.port.port}"

    @property
    def bare(self) -> bool:
        """Whether it is a server given as HOST:PORT."""
        return self.port.namespace == "upstream"


class SchemaKeeper:
    """All servers whose schemas are wanted. `tell` is called for everything that becomes known."""

    def __init__(self, tell: Callable[[Known], None]) -> None:
        self._tell = tell
        self._tasks: dict[ServicePortRef, tuple[Source, asyncio.Task[None]]] = {}
        self._planning = asyncio.Semaphore(os.cpu_count() or 1)  # each plan is a process that wants a processor
        self.known: dict[ServicePortRef, Known] = {}

    def recall(self, known: Iterable[Known]) -> None:
        """What was known before this process was there; it holds until the servers say something else."""
        self.known.update((each.port, each) for each in known)

    def want(self, sources: Mapping[ServicePortRef, Source]) -> None:
        """These and no others, from now on."""
        for port in self._tasks.keys() - sources.keys():
            self._tasks.pop(port)[1].cancel()
        for port in self.known.keys() - sources.keys():
            del self.known[port]
        for port, source in sources.items():
            old = self._tasks.get(port)
            if old is not None and old[0] == source:
                continue
            if old is not None:
                old[1].cancel()
            self._tasks[port] = (source, asyncio.create_task(self._keep(port, source)))

    async def stop(self) -> None:
        """End all tasks."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, port: ServicePortRef, source: Source) -> None:
        self._say(self.known.get(port) or Known(port))
        if source.raw:
            await self._plan_given(port, source)
            return
        pause, seen = _FIRST_PAUSE, b""
        while True:
            try:
                async for version, raw in _versions(source.target):
                    digest = _digest(raw)
                    if digest != seen:
                        planned = await self._plan(source, raw)
                        seen = digest
                        self._say(Known(port, planned, f"reflection {version}", "", time.time()))
                    elif (known := self.known[port]).failing or known.planned:
                        self._say(known._replace(state=f"reflection {version}", failing="", since=time.time()))
                    pause = _FIRST_PAUSE
            except (ReflectionError, SchemaError) as error:
                self._say(self.known[port]._replace(state=error.kind, failing=str(error)))
                seen = seen if error.kind == "unreachable" else b""
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE) if self.known[port].state != "unreachable" else _FIRST_PAUSE

    async def _plan_given(self, port: ServicePortRef, source: Source) -> None:
        try:
            planned = await self._plan(source, source.raw)
        except SchemaError as error:
            self._say(Known(port, None, error.kind, str(error)))
        else:
            self._say(Known(port, planned, "from files", "", time.time()))

    async def _plan(self, source: Source, raw: tuple[bytes, ...]) -> Planned:
        async with self._planning:
            return await plan_schema(raw, mapping=source.mapping, source=source.mapping_name, prefix=source.prefix)

    def _say(self, known: Known) -> None:
        old = self.known.get(known.port)
        self.known[known.port] = known
        if old is None or old._replace(since=0) != known._replace(since=0):
            self._tell(known)


async def _versions(target: Target) -> AsyncIterator[tuple[str, tuple[bytes, ...]]]:
    """What the server says, each time that it may have changed; ends when its connection does."""
    await _reachable(target)
    try:
        async with open_channel(target) as channel:
            while True:
                try:
                    reflected = await reflect(channel)
                except ReflectionError as error:
                    raise await _plain(error, target) from None
                yield reflected.version, reflected.files
                if not await _still_there(channel):
                    return
    except ChannelError as error:
        raise ReflectionError("tls", str(error)) from None


async def _plain(error: ReflectionError, target: Target) -> ReflectionError:
    """What is wrong with the server's certificate, where gRPC says only that something is."""
    if error.kind == "tls":
        try:
            await handshake(target, _CONNECT_SECONDS)
        except ssl.SSLError as refused:
            return ReflectionError("tls", handshake_refusal(refused))
        except (ChannelError, OSError, EOFError, ValueError):  # it is gone, or was never there: gRPC's words are better
            return error
    return error


async def _reachable(target: Target) -> None:
    """Connect and let go: quicker to notice a server that is back than gRPC's own attempts."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except (OSError, TimeoutError) as error:
        raise ReflectionError("unreachable", f"{target.address}: {refusal(error)}") from None
    writer.transport.abort()


async def _still_there(channel: Channel) -> bool:
    """Wait until it is time to ask again; False as soon as the connection is lost."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_SECONDS):
            state = channel.get_state()
            while state is ChannelConnectivity.READY:
                await channel.wait_for_state_change(state)
                state = channel.get_state()
            return False
    return True


def _digest(raw: Iterable[bytes]) -> bytes:
    parts = sorted(hashlib.blake2b(each, digest_size=16).digest() for each in raw)
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest()
