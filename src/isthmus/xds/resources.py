"""What goes to Envoy over xDS: serialised resources with content-hash versions.

Equal content gives an equal version in every process and after every restart, so that Envoy is only ever sent
what differs. May not know where a resource came from (see names.py for the way back).
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from msgspec import Struct

PREFIX = "type.googleapis.com/"
CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINTS = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = PREFIX + "envoy.config.listener.v3.Listener"
SCOPE = PREFIX + "envoy.config.route.v3.ScopedRouteConfiguration"
SECRET = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"

# The order in which a change is made: what is pointed at before what points; removals go the other way round.
MAKE_ORDER = (CLUSTER, ENDPOINTS, SECRET, LISTENER, SCOPE)


class _Message(Protocol):
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: N802 - protobuf's name


class Resource(Struct, frozen=True, gc=False):
    """One resource: `body` is the serialised message, `version` a hash of it."""

    type_url: str
    name: str
    body: bytes
    version: str


class Change(Struct, frozen=True, gc=False):
    """A resource that is new or different, or, where `resource` is None, gone.

    `partial`: what was refused of it is there in an earlier version, which may lead to clusters that are gone.
    """

    type_url: str
    name: str
    resource: Resource | None
    partial: bool = False


def version_of(body: bytes) -> str:
    """16 hex digits of BLAKE2b."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def resource(type_url: str, name: str, message: _Message) -> Resource:
    """Serialise a message deterministically."""
    body = message.SerializeToString(deterministic=True)
    return Resource(type_url, name, body, version_of(body))
