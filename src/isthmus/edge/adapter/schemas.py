"""The schemas that the control plane has written, loaded when a request first names one.

A file never changes: its name is the digest of what it holds. Rule: the schemas used last stay loaded, no more.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import msgspec
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.edge.message_classes import Classes, classes_in
from isthmus.schema import descriptors, model
from isthmus.schema.bindings import Bindings
from isthmus.schema.model import Schema
from isthmus.schema.status import UNAVAILABLE, RefusedError

_MOST = 64
_DIGEST = re.compile(r"[0-9a-f]{1,64}")


class Loaded(NamedTuple):
    """One schema, ready for use. Its classes are kept because schemas are loaded in threads."""

    schema: Schema
    pool: DescriptorPool
    bindings: Bindings
    classes: Classes


class Schemas:
    """What was loaded, by digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: OrderedDict[str, asyncio.Future[Loaded]] = OrderedDict()

    async def load(self, digest: str) -> Loaded:
        """Raises RefusedError (UNAVAILABLE) where there is no such schema, yet or any more."""
        found = self._loaded.get(digest)
        if found is None:
            # Requests that come meanwhile wait for the same future; one that is given up does not end it.
            found = self._loaded[digest] = asyncio.ensure_future(asyncio.to_thread(_read, self._folder, digest))
            found.add_done_callback(lambda done: self._forget_failed(digest, done))
            while len(self._loaded) > _MOST:
                self._loaded.popitem(last=False)
        else:
            self._loaded.move_to_end(digest)
        return await asyncio.shield(found)

    def _forget_failed(self, digest: str, done: asyncio.Future[Loaded]) -> None:
        if (done.cancelled() or done.exception() is not None) and self._loaded.get(digest) is done:
            del self._loaded[digest]


def _read(folder: Path, digest: str) -> Loaded:
    if not _DIGEST.fullmatch(digest):
        raise RefusedError("the schema of this gRPC server is not known yet", UNAVAILABLE)
    try:
        schema = model.decode((folder / f"{digest}.msgpack").read_bytes())
        pool = descriptors.load(schema.descriptor_set)
        names = (file.name for file in descriptors.files_of(schema.descriptor_set).file)
        return Loaded(schema, pool, Bindings(schema), classes_in(pool, names))
    except (OSError, msgspec.MsgspecError) as error:
        raise RefusedError(f"the schema {digest} cannot be read: {error}", UNAVAILABLE) from None
