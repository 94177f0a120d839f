"""Schemas made ready for use: a private descriptor pool, comments, the methods by their paths.

Rule: one of each schema, kept while it is among those used last; servers' types never meet in one pool.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.schema import descriptors
from isthmus.schema.model import Method, Schema

_MOST = 32


class Loaded(NamedTuple):
    """One schema in use. `methods` is by gRPC path; `comments` by full name."""

    pool: DescriptorPool
    comments: Mapping[str, str]
    methods: Mapping[str, Method]


class Pools:
    """What was loaded, by the digest of its schema."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()

    def load(self, schema: Schema) -> Loaded:
        """The schema, ready for use."""
        digest = schema.digest
        found = self._loaded.get(digest)
        if found is None:
            found = self._loaded[digest] = Loaded(
                descriptors.load(schema.descriptor_set),
                descriptors.comments(schema.descriptor_set),
                {method.path: method for method in schema.methods},
            )
        self._loaded.move_to_end(digest)
        while len(self._loaded) > _MOST:
            self._loaded.popitem(last=False)
        return found
