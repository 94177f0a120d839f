"""From changed objects to changed xDS resources: the memo's dirty units, emitted, and nothing else.

Keeps what several hosts share: clusters by use count, the scope of all wildcard hosts, the certificate of a name
that several hosts bring.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.dialect import Dialect, Options, Translation
from isthmus.ir.action import Forward
from isthmus.ir.authorization import Authorization, digest
from isthmus.ir.backend import Backend, Endpoints, ServicePortRef
from isthmus.ir.host import HostConfig, is_wild
from isthmus.ir.listener import Certificate, HostTls, Listener
from isthmus.ir.transcoding import Transcoding
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.objects import Base
from isthmus.kube.refs import ObjectRef
from isthmus.kube.store import Store
from isthmus.machines.memo import Dirty, Memo
from isthmus.machines.standing import Version
from isthmus.machines.wildcards import Wildcards
from isthmus.xds import names
from isthmus.xds.clusters import emit_cluster
from isthmus.xds.endpoints import emit_endpoints
from isthmus.xds.listeners import Edge, emit_listener
from isthmus.xds.resources import CLUSTER, ENDPOINTS, LISTENER, SCOPE, SECRET, Change, Resource
from isthmus.xds.routes import emit_host, emit_wild
from isthmus.xds.secrets import emit_authorities, emit_secret


class Update(Struct, frozen=True):
    """What one batch of object changes led to: resources in the order they are made, and findings come and gone.

    `hosts` are those that came out different.
    """

    changes: tuple[Change, ...] = ()
    found: tuple[Diagnostic, ...] = ()
    resolved: tuple[Diagnostic, ...] = ()
    hosts: tuple[str, ...] = ()


class Pipeline:
    """Objects in, xDS resources out; the same resources, whatever the order and the steps in which objects came."""

    def __init__(
        self,
        store: Store,
        dialects: Sequence[Dialect],
        options: Options,
        listeners: Sequence[Listener],
        edge: Edge,
    ) -> None:
        self.memo = Memo(store, dialects, options)
        self.listeners = tuple(listeners)
        self._edge = edge
        self.wild = Wildcards([listener.name for listener in listeners], edge.secret)
        self._clusters: dict[str, set[str]] = {}  # name -> hosts that use it
        self._ports: dict[ServicePortRef, set[str]] = {}  # service port -> its clusters
        self._certificates: dict[str, dict[str, Certificate]] = {}
        self._tls: dict[str, HostTls] = {}
        self._chains: tuple[HostTls, ...] = ()  # the filter chains that there are beside the default one
        self._live: dict[str, Translation] = {}
        self._api_hosts: dict[str, dict[ServicePortRef, Backend]] = {}
        self._policies: dict[str, dict[str, Authorization]] = {}  # digest -> host -> the policy
        self._policies_of: dict[str, set[str]] = {}
        self._counting: set[str] = set()  # hosts whose running requests the helper counts
        self.planned: dict[ServicePortRef, Transcoding] = {}

    def at(self, now: datetime.datetime) -> None:
        """What time it is for whatever is translated from now on."""
        self.memo.options = replace(self.memo.options, now=now)

    def start(self) -> tuple[Change, ...]:
        """The resources that exist before any object does: the listeners and the answer to unknown hosts."""
        listeners = [_made(emit_listener(listener, self._edge)) for listener in self.listeners]
        return (*listeners, *(_made(emit_wild(listener.name, ())) for listener in self.listeners))

    def apply(self, upserts: Iterable[Base], deletes: Iterable[ObjectRef] = ()) -> Update:
        """Bring everything up to date with a batch of changed objects."""
        return self.emit(self.memo.apply(upserts, deletes))

    def emit(self, dirty: Dirty) -> Update:
        """The resources that differ after objects were taken in; each batch must come here, in order."""
        changes: list[Change] = []
        wild: set[str] = set()
        for host, translation in dirty.hosts.items():
            old = self._live.pop(host, Translation())
            new = translation or Translation()
            if translation is not None:
                self._live[host] = translation
            self._note_apis(host, new)
            self._note_policies(host, new)
            changes += self._cluster_changes(host, old, new)
            changes += self._secret_changes(host, old, new)
            changes += self._authorities_changes(old, new)
            changes += self._scope_changes(host, old, new, wild)
        changes += self._listener_changes()
        changes += self.wild.emit(wild)
        changes += self._endpoint_changes(dirty.endpoints, {c.name for c in changes if c.type_url == CLUSTER})
        return Update(tuple(changes), dirty.found, dirty.resolved, tuple(dirty.hosts))

    def plan(self, planned: Mapping[ServicePortRef, Transcoding | None]) -> Update:
        """Take in schemas that have become known, have changed, or (None) are wanted no longer."""
        for port, transcoding in planned.items():
            self.planned.pop(port, None)
            if transcoding is not None:
                self.planned[port] = transcoding
        changes: list[Change] = []
        wild: set[str] = set()
        for host in [host for host, backends in self._api_hosts.items() if not backends.keys().isdisjoint(planned)]:
            for config in self._live[host].hosts:
                if is_wild(host):
                    self._put_wild(config.listener, host, config, wild)
                else:
                    changes.append(_made(emit_host(config, self.planned, self._edge.secret)))
        return Update((*changes, *self.wild.emit(wild)))

    def apis(self) -> dict[ServicePortRef, Backend]:
        """The backends whose schemas are wanted now."""
        return {port: backend for backends in self._api_hosts.values() for port, backend in backends.items()}

    def authorizations(self) -> dict[str, Authorization]:
        """The policies of the authorization helper, by digest, that routes name now."""
        return self.wild.policies() | {digest: next(iter(users.values())) for digest, users in self._policies.items()}

    @property
    def needs_helper(self) -> bool:
        """Whether any route needs the authorization helper now."""
        return bool(self._policies or self._counting or self.wild.policies())

    def behind(self, type_url: str, name: str) -> tuple[ObjectRef, ...]:
        """The objects that a resource was made from: whom to tell when Envoy refuses it."""
        if type_url in (CLUSTER, ENDPOINTS):
            port = names.service_of(name)
            return (ObjectRef("Service", port.namespace, port.service),)
        if type_url == LISTENER or names.is_authorities(name):
            hosts = [each for each in self._chains if type_url == LISTENER or names.authorities(each.host) == name]
            return tuple(sorted({each.origin.ref for each in hosts})) or (ObjectRef("Listener", "", name),)
        if type_url == SECRET:
            return tuple(sorted({c.origin.ref for c in self._certificates.get(name, {}).values()}))
        listener, host = names.scope_parts(name)
        configs = [config for config in self._live.get(host, Translation()).hosts if config.listener == listener]
        if host == names.WILD:
            configs = self.wild.newest(listener)
        refs = sorted({route.origin.ref for config in configs for route in config.routes})
        return tuple(refs) or (ObjectRef("Listener", "", name),)

    def _note_apis(self, host: str, translation: Translation) -> None:
        self._api_hosts.pop(host, None)
        actions = (route.action for config in translation.hosts for route in config.routes)
        found = {a.backend.service: a.backend for a in actions if isinstance(a, Forward) and a.api is not None}
        if found:
            self._api_hosts[host] = found

    def _note_policies(self, host: str, translation: Translation) -> None:
        asked = [route.policy for config in translation.hosts for route in config.routes]
        policies = dict.fromkeys(policy.authorization for policy in asked)
        found = {digest(each): each for each in policies if each is not None and each.needs_helper}
        self._counting.discard(host)
        if any(policy.concurrency is not None for policy in asked):
            self._counting.add(host)
        for name in self._policies_of.pop(host, set()) - found.keys():
            del self._policies[name][host]
            if not self._policies[name]:
                del self._policies[name]
        for name, each in found.items():
            self._policies.setdefault(name, {})[host] = each
        if found:
            self._policies_of[host] = set(found)

    def _cluster_changes(self, host: str, old: Translation, new: Translation) -> Iterable[Change]:
        before, after = _backends(old), _backends(new)
        for name in after.keys() - before.keys():
            users = self._clusters.setdefault(name, set())
            if not users:
                yield _made(emit_cluster(after[name]))
                if names.has_endpoints(name):
                    self._ports.setdefault(after[name].service, set()).add(name)
            users.add(host)
        for name in before.keys() - after.keys():
            self._clusters[name].discard(host)
            if not self._clusters[name]:
                del self._clusters[name]
                self._ports.get(before[name].service, set()).discard(name)
                yield _gone(CLUSTER, name)

    def _endpoint_changes(self, dirty: dict[ServicePortRef, Endpoints | None], clusters: set[str]) -> Iterable[Change]:
        """The endpoints of every cluster of a changed port, and of every changed cluster."""
        for port in sorted({*dirty, *map(names.service_of, clusters)}):
            endpoints = self.memo.endpoints.get(port, Endpoints(port))
            for name in sorted(self._ports.get(port, ())):
                yield _made(emit_endpoints(name, endpoints))
        for name in sorted(name for name in clusters if name not in self._clusters):
            yield _gone(ENDPOINTS, name)

    def _secret_changes(self, host: str, old: Translation, new: Translation) -> Iterable[Change]:
        """A name's certificate comes from the host of that name, else from the first host that brings one."""
        for name in {c.host for c in (*old.certificates, *new.certificates)}:
            bringers = self._certificates.setdefault(name, {})
            bringers.pop(host, None)
            bringers.update((host, c) for c in new.certificates if c.host == name)
            if not bringers:
                del self._certificates[name]
                yield _gone(SECRET, name)
            else:
                yield _made(emit_secret(bringers.get(name) or bringers[min(bringers)]))

    def _authorities_changes(self, old: Translation, new: Translation) -> Iterable[Change]:
        for tls in old.tls:
            self._tls.pop(tls.host, None)
        judged = set()
        for tls in new.tls:
            self._tls[tls.host] = tls
            if tls.clients is not None:
                judged.add(tls.host)
                yield _made(emit_authorities(tls))
        for tls in old.tls:
            if tls.clients is not None and tls.host not in judged:
                yield _gone(SECRET, names.authorities(tls.host))

    def _listener_changes(self) -> Iterable[Change]:
        """The listeners that show certificates, where a host's own TLS came, went or is another."""
        chains = tuple(tls for _, tls in sorted({**self._below_wildcards(), **self._tls}.items()))
        if _shape(chains) != _shape(self._chains):
            for listener in self.listeners:
                if listener.tls:
                    yield _made(emit_listener(listener, self._edge, chains))
        self._chains = chains

    def _below_wildcards(self) -> dict[str, HostTls]:
        """A wildcard's own TLS must not reach hosts below it: Envoy would take its chain for all of them."""
        wild = {tls.host[1:]: tls for tls in self._tls.values() if is_wild(tls.host)}
        ends = tuple(wild)
        found = [host for host in self._live if host.endswith(ends)] if wild else []
        return {host: HostTls(host, next(wild[end].origin for end in ends if host.endswith(end))) for host in found}

    def _scope_changes(self, host: str, old: Translation, new: Translation, wild: set[str]) -> Iterable[Change]:
        before = {config.listener: config for config in old.hosts}
        after = {config.listener: config for config in new.hosts}
        for listener in sorted({each.name for each in self.listeners} & (before.keys() | after.keys())):
            config = after.get(listener)
            if config == before.get(listener):
                continue
            if is_wild(host):
                self._put_wild(listener, host, config, wild)
            else:
                yield (
                    _made(emit_host(config, self.planned, self._edge.secret))
                    if config
                    else _gone(SCOPE, names.scope(listener, host))
                )

    def _put_wild(self, listener: str, host: str, config: HostConfig | None, wild: set[str]) -> None:
        wild.add(listener)
        ports = self._api_hosts.get(host, ())
        planned = tuple((port, self.planned[port]) for port in ports if port in self.planned)
        self.wild.put(listener, host, Version(config, planned) if config is not None else None)


def _made(resource: Resource) -> Change:
    return Change(resource.type_url, resource.name, resource)


def _gone(type_url: str, name: str) -> Change:
    return Change(type_url, name, None)


def _backends(translation: Translation) -> dict[str, Backend]:
    routes = (route for config in translation.hosts for route in config.routes)
    passed = (tls.passthrough for tls in translation.tls if tls.passthrough is not None)
    return {names.cluster(each): each for each in (*(each for route in routes for each in route.backends), *passed)}


def _shape(chains: Iterable[HostTls]) -> list[HostTls]:
    """What of them is in the listener: authorities are secrets of their own."""
    return [replace(tls, authorities=b"", revoked=b"", depth=0) for tls in chains]
