"""Schemas made ready for use: a private descriptor pool, comments, the methods by their paths.

Rule: one of each schema, kept while it is among those used last; servers' types never meet in one pool.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.edge.message_classes import Classes, classes_in
from isthmus.schema import descriptors
from isthmus.schema.model import Method, Schema

_MOST = 32


class Loaded(NamedTuple):
    """One schema in use. `methods` is by gRPC path; `comments` by full name; `classes` are kept for the threads."""

    pool: DescriptorPool
    classes: Classes
    comments: Mapping[str, str]
    methods: Mapping[str, Method]


class Pools:
    """What was loaded, by the digest of its schema."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = threading.Lock()

    async def load(self, schema: Schema) -> Loaded:
        """The schema, ready for use. A large one takes its time, in a thread of its own."""
        found = self._loaded.get(schema.digest)
        return found if found is not None else await asyncio.to_thread(self.load_now, schema)

    def load_now(self, schema: Schema) -> Loaded:
        """The same for a caller that is in a thread already."""
        digest = schema.digest
        with self._lock:
            found = self._loaded.get(digest)
            if found is None:
                pool = descriptors.load(schema.descriptor_set)
                names = (file.name for file in descriptors.files_of(schema.descriptor_set).file)
                found = self._loaded[digest] = Loaded(
                    pool,
                    classes_in(pool, names),
                    descriptors.comments(schema.descriptor_set),
                    {method.path: method for method in schema.methods},
                )
            self._loaded.move_to_end(digest)
            while len(self._loaded) > _MOST:
                self._loaded.popitem(last=False)
            return found
