"""The one table of resources that Envoy should have now, what it last accepted, and what it refused.

One writer. `best` is what may be sent: the current version, or, where Envoy refused that, the last one it accepted;
where there is none, a host is closed.
Certificates are stored under the host they are for and answer to every SNI of that host.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from isthmus.machines.last_good import Refused
from isthmus.xds import names
from isthmus.xds.closed import emit_closed
from isthmus.xds.resources import SCOPE, SECRET, Change, Resource, version_of
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
        self._partial: set[Key] = set()
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
        self._partial.discard(key)
        if change.partial:
            self._partial.add(key)
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
        return _as_asked(self._current.get(self.key(type_url, name)), name)

    def best(self, type_url: str, name: str) -> Resource | None:
        """What may be sent: the current resource, or the last accepted one where the current one was refused."""
        key = self.key(type_url, name)
        if key not in self.rejected:
            return _as_asked(self._current.get(key), name)
        if type_url == SCOPE and key not in self._accepted:
            return emit_closed(name)
        return _as_asked(self._accepted.get(key), name)

    def closes(self, type_url: str, name: str) -> bool:
        """Whether `best` is no version of the resource, but what closes a host of which there is no good one."""
        key = type_url, name
        return type_url == SCOPE and key in self.rejected and key not in self._accepted

    def accept(self, resource: Resource) -> None:
        """Envoy took a resource."""
        key = self.key(resource.type_url, resource.name)
        current = self._current.get(key)
        if current is not None and current.version == resource.version:
            self._accepted[key] = current
        elif current is not None and resource.type_url != SECRET:  # a newer one is on its way to be judged
            self._accepted[key] = resource

    def reject(self, resource: Resource, message: str) -> bool:
        """Envoy refused a resource; True when that is news."""
        key = self.key(resource.type_url, resource.name)
        current = self._current.get(key)
        if current is None or current.version != resource.version or key in self.rejected:
            return False
        self.rejected[key] = Rejection(resource.version, message)
        return True

    def refuses(self, *type_urls: str) -> bool:
        """Whether anything of these types, or a part of it, is refused now."""
        return any(type_url in type_urls for keys in (self.rejected, self._partial) for type_url, _ in keys)

    def accepted(self, type_url: str, name: str) -> str:
        """The version that Envoy accepted last; empty if there is none."""
        found = self._accepted.get((type_url, name))
        return found.version if found is not None else ""

    def refusals(self) -> tuple[Refused, ...]:
        """What is refused now."""
        return tuple(map(self._refusal, self.rejected))

    def refusal(self, type_url: str, name: str) -> Refused | None:
        """What is known of a resource that is refused now."""
        key = self.key(type_url, name)
        return self._refusal(key) if key in self.rejected else None

    def _refusal(self, key: Key) -> Refused:
        rejection = self.rejected[key]
        return Refused(*key, rejection.version, rejection.message, self._accepted.get(key))

    def remember(self, refusals: Iterable[Refused]) -> tuple[Refused, ...]:
        """What was refused before a restart need not be tried again; returns what still is."""
        found = []
        for each in refusals:
            key = each.type_url, each.name
            current = self._current.get(key)
            if current is not None and current.version == each.version:
                self.rejected[key] = Rejection(each.version, each.message)
                if each.accepted is not None:
                    self._accepted[key] = each.accepted
                found.append(each)
        return tuple(found)

    def key(self, type_url: str, name: str) -> Key:
        """Where the resource that answers to a name is stored, or would be."""
        if type_url != SECRET or names.is_authorities(name):
            return type_url, name
        keys = [(SECRET, host) for host in patterns(name)]
        return next((key for key in keys if key in self._current), keys[0])


def patterns(sni: str) -> tuple[str, str]:
    """The hosts whose certificate answers to an SNI, the better one first."""
    host = sni.lower()
    return host, "*." + host.partition(".")[2]


def _as_asked(found: Resource | None, name: str) -> Resource | None:
    if found is None or found.type_url != SECRET or names.is_authorities(name):
        return found
    return named(found, name)


def _share(resource: Resource) -> int:
    """A resource's part of the version: depends on its name and its content."""
    return int(version_of(f"{resource.type_url}\0{resource.name}\0{resource.version}".encode()), 16)
