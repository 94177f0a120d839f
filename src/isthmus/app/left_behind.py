"""What a control plane leaves behind for the next one: the bare servers that it found, the schemas that it knew.

Envoy serves by them while no control plane runs, so one that has just started says nothing else until it knows
better; else a server that is slow to answer, or away at that moment, would lose its routes. Rule: a file that cannot
be read is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from isthmus.app.schema_keeper import Known
from isthmus.dialects.upstream import Upstream
from isthmus.edge.grpc_client.channels import Target
from isthmus.edge.runtime_dir import PLANS, SERVERS
from isthmus.edge.whole_file import write_whole
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.private import PrivateBytes

_T = TypeVar("_T")


class Found(NamedTuple):
    """A server that is up: its object, the addresses that Envoy is to use, how to ask it for its schema."""

    upstream: Upstream
    addresses: tuple[tuple[str, int], ...]
    target: Target
    said: str


class Server(NamedTuple):
    """A found server and the port that it is known by."""

    port: ServicePortRef
    found: Found


class LeftBehind:
    """The files of one gateway, in its runtime folder."""

    def __init__(self, runtime: Path) -> None:
        self._plans = runtime / PLANS
        self._servers = runtime / SERVERS

    def schemas(self) -> tuple[Known, ...]:
        """What was known of each server's schema."""
        return tuple(_read(self._plans, Known))

    def keep_schema(self, known: Known) -> None:
        """From now on this is known."""
        _write(self._plans, known.port, known)

    def forget_schemas(self, ports: Iterable[ServicePortRef]) -> None:
        """Nobody wants these any more."""
        for port in ports:
            _file(self._plans, port).unlink(missing_ok=True)

    def servers(self) -> dict[ServicePortRef, Found]:
        """The bare servers that were found."""
        return dict(_read(self._servers, Server))

    def keep_server(self, port: ServicePortRef, found: Found) -> None:
        """A server was found."""
        _write(self._servers, port, Server(port, found))


def _read(folder: Path, kind: type[_T]) -> Iterator[_T]:
    for path in sorted(folder.glob("*.msgpack")):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            yield msgspec.msgpack.decode(path.read_bytes(), type=kind, dec_hook=_private)


def _write(folder: Path, port: ServicePortRef, value: object) -> None:
    """What the disk does not take is forgotten."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(_file(folder, port), msgspec.msgpack.encode(value, enc_hook=_plain))


def _plain(value: object) -> object:
    """A key that Envoy shows to a server."""
    if isinstance(value, PrivateBytes):
        return bytes(value)
    raise NotImplementedError(f"{type(value).__name__} is not kept")


def _private(kind: type, value: object) -> object:
    if kind is PrivateBytes and isinstance(value, bytes):
        return PrivateBytes(value)
    raise NotImplementedError(f"{kind.__name__} is not kept")


def _file(folder: Path, port: ServicePortRef) -> Path:
    name = hashlib.blake2b(msgspec.msgpack.encode(port), digest_size=16).hexdigest()
    return folder / f"{name}.msgpack"
