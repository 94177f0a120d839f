"""The one table of resources that Envoy should have now, what it last accepted, and what it refused.

One writer. `best` is what may be sent: the current version, or, where Envoy refused that, the last one it accepted.
Certificates are stored under the host they are for and found by the SNI of a handshake.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from isthmus.xds.resources import SECRET, Change, Resource, version_of
from isthmus.xds.secrets import named

Key = tuple[str, str]  # (type URL, resource name)


class Rejection(Struct, frozen=True, gc=False):
    """A version that Envoy refused, and why."""

    version: str
    message: str


class Snapshot:
    """Resources by type and name."""

    def __init__(self) -> None:
        self._current: dict[Key, Resource] = {}
        self._accepted: dict[Key, Resource] = {}
        self._names: dict[str, dict[str, None]] = {}
        self._fold = 0
        self.rejected: dict[Key, Rejection] = {}

    @property
    def version(self) -> str:
        """16 hex digits that do not depend on the order in which resources came."""
        return f"{self._fold:016x}"

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Take changes in; returns those that made a difference."""
        return tuple(change for change in changes if self._take(change))

    def _take(self, change: Change) -> bool:
        key = change.type_url, change.name
        old = self._current.get(key)
        new = change.resource
        if (old.version if old else None) == (new.version if new else None):
            return False
        self.rejected.pop(key, None)
        if old is not None:
            self._fold ^= _share(old)
        if new is None:
            del self._current[key]
            self._accepted.pop(key, None)
            self._names[change.type_url].pop(change.name)
        else:
            self._fold ^= _share(new)
            self._current[key] = new
            self._names.setdefault(change.type_url, {})[change.name] = None
        return True

    def all(self) -> tuple[Resource, ...]:
        """Every current resource."""
        return tuple(self._current.values())

    def names(self, type_url: str) -> tuple[str, ...]:
        """The names of a type, in the order in which they came."""
        return tuple(self._names.get(type_url, ()))

    def get(self, type_url: str, name: str) -> Resource | None:
        """The current resource; a certificate by SNI, without case, a wildcard for exactly one label."""
        if type_url != SECRET:
            return self._current.get((type_url, name))
        found = self._certificate(name)
        return named(found, name) if found else None

    def best(self, type_url: str, name: str) -> Resource | None:
        """What may be sent: the current resource, or the last accepted one where the current one was refused."""
        key = type_url, name
        if key in self.rejected:
            return self._accepted.get(key)
        return self.get(type_url, name)

    def accept(self, resource: Resource) -> None:
        """Envoy took a resource."""
        if (resource.type_url, resource.name) in self._current:
            self._accepted[resource.type_url, resource.name] = resource

    def reject(self, resource: Resource, message: str) -> bool:
        """Envoy refused a resource; True when that is news."""
        key = resource.type_url, resource.name
        current = self.get(*key)
        if current is None or current.version != resource.version or key in self.rejected:
            return False
        self.rejected[key] = Rejection(resource.version, message)
        return True

    def _certificate(self, sni: str) -> Resource | None:
        host = sni.lower()
        wild = "*." + host.partition(".")[2]
        return self._current.get((SECRET, host)) or self._current.get((SECRET, wild))


def _share(resource: Resource) -> int:
    """A resource's part of the version: depends on its name and its content."""
    return int(version_of(f"{resource.type_url}\0{resource.name}\0{resource.version}".encode()), 16)
