"""Asks a gRPC server for its descriptors by reflection, v1 or v1alpha, and trusts nothing that it says.

Descriptors are collected as bytes; only names and imports are read out of them here, by a scanner with strict bounds.
Rule: whatever the server does, asking costs at most the limits in time, bytes and messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import grpc
import grpc.aio

from isthmus.edge.grpc_client import reflection_messages as messages
from isthmus.edge.grpc_client.asker import MOST_PROBLEMS, Asker, Left, Metadata, ReflectionError, explained
from isthmus.edge.grpc_client.wire import TooManyError, WireError, header_of
from isthmus.schema.model import Problem
from isthmus.schema.text import shown
from isthmus.schema.well_known import provided

__all__ = ["VERSIONS", "Limits", "Metadata", "Reflected", "ReflectionError", "list_services", "reflect"]

VERSIONS = ("v1", "v1alpha")
_OWN = ("grpc.reflection.", "grpc.health.")
_MOST_FILES = 10_000


class Limits(NamedTuple):
    """What asking may cost: seconds and bytes in all."""

    seconds: float = 10.0
    size: int = 16 * 1024 * 1024


class Reflected(NamedTuple):
    """`services` are all that the server lists under a possible name; `files` raw FileDescriptorProtos, in no order."""

    version: str
    services: tuple[str, ...]
    files: tuple[bytes, ...]
    problems: tuple[Problem, ...] = ()


async def reflect(
    channel: grpc.aio.Channel,
    *,
    metadata: Metadata = (),
    services: Iterable[str] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Reflected:
    """Everything that the server says about its services, or about these. Raises ReflectionError."""
    wanted = None if services is None else tuple(services)

    async def everything(asker: Asker) -> Reflected:
        # Whatever is wanted: the list says whether the server has this version.
        listed, problems = await asker.services()
        return await _Collector(asker, problems).collect(listed if wanted is None else wanted)

    return await _versions(channel, metadata, limits, everything)


async def list_services(
    channel: grpc.aio.Channel,
    *,
    metadata: Metadata = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Reflected:
    """Only the names of the services. Raises ReflectionError."""

    async def names(asker: Asker) -> Reflected:
        listed, problems = await asker.services()
        return Reflected(asker.version, listed, (), tuple(problems))

    return await _versions(channel, metadata, limits, names)


async def _versions(
    channel: grpc.aio.Channel, metadata: Metadata, limits: Limits, ask: Callable[[Asker], Awaitable[Reflected]]
) -> Reflected:
    left = Left(limits.size)
    try:
        async with asyncio.timeout(limits.seconds):
            for version in VERSIONS:
                asker = Asker(channel, version, metadata, left)
                try:
                    return await ask(asker)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNIMPLEMENTED or version == VERSIONS[-1]:
                        raise explained(error) from None
                finally:
                    asker.cancel()
    except TimeoutError:
        took = f"the server took longer than {limits.seconds:g} s to describe itself"
        raise ReflectionError("timeout", took) from None
    raise AssertionError("the last version either answers or raises")


class _Collector:
    """The files of some services and of all that they import."""

    def __init__(self, asker: Asker, problems: list[Problem]) -> None:
        self._asker = asker
        self._problems = problems
        self._files: dict[bytes, str] = {}
        self._have: set[str] = set()  # by name: what has come or cannot be had
        self._wanted: list[str] = []

    async def collect(self, services: tuple[str, ...]) -> Reflected:
        for service in services:
            if not service.startswith(_OWN):
                found = await self._asker.ask(messages.FILE_OF_SYMBOL, service)
                self._take(found, "missing-service", service)
        while self._wanted:
            name = self._wanted.pop()
            if name not in self._have and not provided(name):
                self._have.add(name)
                self._take(await self._asker.ask(messages.FILE_BY_NAME, name), "missing-file", name)
        problems = (Problem(each.kind, shown(each.where), each.what) for each in self._problems)
        return Reflected(self._asker.version, services, tuple(self._files), tuple(problems))

    def _take(self, found: tuple[bytes, ...] | str, kind: str, where: str) -> None:
        if isinstance(found, str):
            self._trouble(kind, where, found)
            return
        for body in found:
            if body in self._files:
                continue
            try:
                name, imports = header_of(body, self._asker.left.fields)
            except TooManyError:
                raise ReflectionError("too-large", "the server's descriptors have too many fields") from None
            except WireError as error:
                self._trouble("invalid-file", where, str(error))
                continue
            self._files[body] = name
            self._have.add(name)
            self._wanted.extend(each for each in imports if each not in self._have)
            if len(self._files) > _MOST_FILES:
                raise ReflectionError("too-large", f"the server has more than {_MOST_FILES} files")

    def _trouble(self, kind: str, where: str, what: str) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(kind, where, what))
