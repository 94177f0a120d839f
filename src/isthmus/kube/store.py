"""All objects that are known now, with the few indexes that translation needs, and lookups that are recorded.

One writer. A unit of translation reads only through a Lookup, which notes every key it asked for, absent ones
too; `Store.apply` answers which keys changed. That is the whole dependency tracking.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from isthmus.kube.objects import (
    Base,
    ConfigMap,
    Endpoints,
    EndpointSlice,
    IngressClass,
    Policy,
    Secret,
    Service,
    ref_of,
)
from isthmus.kube.refs import ObjectRef

Key = tuple[str, str, str]  # (kind, namespace, name), or an index: (f"{kind} by ...", namespace, value)

SLICE_SERVICE = "kubernetes.io/service-name"
_SLICES = "EndpointSlice by service"
_ALL_CLASSES: Key = ("IngressClass by nothing", "", "")


class Store:
    """Objects by reference. `addresses` are given by hand: (namespace, service, port or 0) -> [(ip, port)]."""

    def __init__(self, addresses: Mapping[tuple[str, str, int], tuple[tuple[str, int], ...]] | None = None) -> None:
        self.addresses = dict(addresses or {})
        self._objects: dict[ObjectRef, Base] = {}
        self._slices: dict[tuple[str, str], dict[ObjectRef, EndpointSlice]] = {}
        self._classes: dict[ObjectRef, IngressClass] = {}

    def __iter__(self) -> Iterator[Base]:
        return iter(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, ref: ObjectRef) -> Base | None:
        """The object, or None."""
        return self._objects.get(ref)

    def apply(self, upserts: Iterable[Base], deletes: Iterable[ObjectRef] = ()) -> tuple[set[ObjectRef], set[Key]]:
        """Take in changes; returns the objects that really changed and the lookup keys that now answer differently."""
        refs: set[ObjectRef] = set()
        keys: set[Key] = set()
        for ref in deletes:
            old = self._objects.pop(ref, None)
            if old is not None:
                refs.add(ref)
                self._unindex(ref, old, keys)
        for obj in upserts:
            ref = ref_of(obj)
            old = self._objects.get(ref)
            if old == obj:
                continue
            moved = old is not None and replace(old, source=obj.source) == obj
            touched = set[Key]() if moved else keys  # only its place in the files is another
            if old is not None:
                self._unindex(ref, old, touched)
            self._objects[ref] = obj
            self._index(ref, obj, touched)
            if not moved:
                refs.add(ref)
        return refs, keys

    def _index(self, ref: ObjectRef, obj: Base, keys: set[Key]) -> None:
        keys.add((ref.kind, ref.namespace, ref.name))
        if isinstance(obj, EndpointSlice):
            service = obj.metadata.labels.get(SLICE_SERVICE, "")
            self._slices.setdefault((ref.namespace, service), {})[ref] = obj
            keys.add((_SLICES, ref.namespace, service))
        elif isinstance(obj, IngressClass):
            self._classes[ref] = obj
            keys.add(_ALL_CLASSES)

    def _unindex(self, ref: ObjectRef, obj: Base, keys: set[Key]) -> None:
        keys.add((ref.kind, ref.namespace, ref.name))
        if isinstance(obj, EndpointSlice):
            service = obj.metadata.labels.get(SLICE_SERVICE, "")
            self._slices[ref.namespace, service].pop(ref, None)
            keys.add((_SLICES, ref.namespace, service))
        elif isinstance(obj, IngressClass):
            self._classes.pop(ref, None)
            keys.add(_ALL_CLASSES)

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        """The EndpointSlices of a Service, by name."""
        found = self._slices.get((namespace, service), {})
        return tuple(found[ref] for ref in sorted(found))

    def classes(self) -> tuple[IngressClass, ...]:
        """All IngressClasses, by name."""
        return tuple(self._classes[ref] for ref in sorted(self._classes))


class Lookup:
    """Reads the store for one unit of translation and records what was read, and until when it holds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads: set[Key] = set()
        self.until: datetime.datetime | None = None

    def holds_until(self, moment: datetime.datetime) -> None:
        """What was made of what was read is true only before this time."""
        self.until = moment if self.until is None else min(self.until, moment)

    def _get(self, kind: str, namespace: str, name: str) -> Base | None:
        self.reads.add((kind, namespace, name))
        return self._store.get(ObjectRef(kind, namespace, name))

    def service(self, namespace: str, name: str) -> Service | None:
        """The Service, or None."""
        found = self._get("Service", namespace, name)
        return found if isinstance(found, Service) else None

    def secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret, or None."""
        found = self._get("Secret", namespace, name)
        return found if isinstance(found, Secret) else None

    def config_map(self, namespace: str, name: str) -> ConfigMap | None:
        """The ConfigMap, or None."""
        found = self._get("ConfigMap", namespace, name)
        return found if isinstance(found, ConfigMap) else None

    def policy(self, namespace: str, name: str) -> Policy | None:
        """NGINX Inc's Policy, or None."""
        found = self._get("Policy", namespace, name)
        return found if isinstance(found, Policy) else None

    def endpoints(self, namespace: str, name: str) -> Endpoints | None:
        """The old-style Endpoints of a Service, or None."""
        found = self._get("Endpoints", namespace, name)
        return found if isinstance(found, Endpoints) else None

    def ingress_class(self, name: str) -> IngressClass | None:
        """The IngressClass, or None."""
        found = self._get("IngressClass", "", name)
        return found if isinstance(found, IngressClass) else None

    def ingress_classes(self) -> tuple[IngressClass, ...]:
        """All IngressClasses, by name."""
        self.reads.add(_ALL_CLASSES)
        return self._store.classes()

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        """The EndpointSlices of a Service, by name."""
        self.reads.add((_SLICES, namespace, service))
        return self._store.slices(namespace, service)

    def given(self, namespace: str, service: str, port: int) -> tuple[tuple[str, int], ...] | None:
        """Addresses given by hand for a service port; they replace what the objects say."""
        given = self._store.addresses
        return given.get((namespace, service, port), given.get((namespace, service, 0)))
