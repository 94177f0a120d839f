"""Hosts to scoped route configurations: an exact host is a resource of its own, all wildcard hosts share one.

A long list of routes becomes a prefix tree, so that its length costs nothing per request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from isthmus.ir.action import Forward
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import CATCH_ALL, HostConfig, is_wild
from isthmus.ir.match import SegmentPrefix
from isthmus.ir.transcoding import Transcoding
from isthmus.xds import api, names
from isthmus.xds.api_routes import Offer, api_routes
from isthmus.xds.filters import CHAIN
from isthmus.xds.filters.http_filter import off
from isthmus.xds.filters.transcoder import FILTER as TRANSCODER
from isthmus.xds.filters.transcoder import nothing, transcoder
from isthmus.xds.filters.unknown_host import MARK
from isthmus.xds.local_replies import REST, marked
from isthmus.xds.path_tree import Entry, size, tree
from isthmus.xds.resources import SCOPE, Resource, resource
from isthmus.xds.route import answer, emit_route

Planned = Mapping[ServicePortRef, Transcoding]  # the schemas that are known, by the service port that has them
NOTHING_PLANNED: Planned = MappingProxyType({})

_MOST_PLANTED = 20_000  # route messages in a tree: paths nested hundreds deep stay a list
TREE_FROM = 50  # routes; below that a list costs no more (bench/)

_UPPER = "an upper-case host name: ask for it in lower case\n"
_UNKNOWN = "no route for this host\n"
_NO_PATH = "no route for this path\n"


def emit_host(config: HostConfig, planned: Planned = NOTHING_PLANNED) -> Resource:
    """The scope of an exact host on a listener.

    Every path finds a route: a request without one would be looked up again as one to an unknown host.
    """
    host = api.VirtualHost(name=config.host, domains=["*"])
    entries = _entries(config, planned, host)
    if not any(route.match.path == SegmentPrefix("/") and not route.match.grpc for route in config.routes):
        entries.append(("/", _no_path(config)))
    if len(entries) > TREE_FROM and size(entries) <= _MOST_PLANTED:
        host.matcher.CopyFrom(tree(entries))
    else:
        host.routes.extend(message for _, message in entries)
    return _scope(config, [host])


def emit_wild(listener: str, configs: Sequence[HostConfig], planned: Planned = NOTHING_PLANNED) -> Resource:
    """The scope of all wildcard hosts of a listener, the catch-all and the answer to unknown hosts."""
    catch_all = next((c for c in configs if c.host == CATCH_ALL), HostConfig(listener, CATCH_ALL))
    everything = api.VirtualHost(name=CATCH_ALL, domains=["*"])
    everything.routes.append(_upper_case())
    alone = len(configs) <= 1  # else the routes of the catch-all are those of several virtual hosts
    everything.routes.extend(message for _, message in _entries(catch_all, planned, everything if alone else None))
    unknown = answer("unknown-host", 404, _UNKNOWN)
    if any(isinstance(route.action, Forward) and route.action.api for route in catch_all.routes):
        unknown.metadata.MergeFrom(api.Route(metadata=marked(REST)).metadata)
    everything.routes.append(unknown)
    rest = everything.routes[1:]
    hosts = []
    for config in sorted(configs, key=lambda c: c.host):
        if config.host != CATCH_ALL:
            host = api.VirtualHost(name=config.host, domains=[config.host])
            host.routes.append(_upper_case())
            host.routes.extend(_one_label(message, config.host) for _, message in _entries(config, planned, None))
            host.routes.append(_one_label(_no_path(config), config.host))
            host.routes.extend(rest)
            hosts.append(host)
    return _scope(catch_all, [*hosts, everything])


def _entries(config: HostConfig, planned: Planned, host: api.VirtualHost | None) -> list[Entry]:
    """The routes of a host. A schema that all its APIs share is in the virtual host, once: schemas are large."""
    offers = _offers(config, planned)
    shared = next(iter(offers.values())) if host is not None and len(set(offers.values())) == 1 else None
    without = None
    if host is not None and shared is not None and shared.planned is not None:
        host.typed_per_filter_config[TRANSCODER.name].CopyFrom(transcoder(shared.planned, shared.api))
        without = nothing() if is_wild(config.host) else off()
    digests = tuple(sorted({offer.planned.digest for offer in offers.values() if offer.planned}))
    entries: list[Entry] = []
    for index, route in enumerate(config.routes):
        if index in offers:
            entries.extend(api_routes(route, offers[index], digests, without))
            continue
        message = emit_route(route)
        if without is not None:
            message.typed_per_filter_config[TRANSCODER.name].CopyFrom(without)
        entries.append((route.match.path.path, message))
    return entries


def _offers(config: HostConfig, planned: Planned) -> dict[int, Offer]:
    """What each API route of a host offers, by the route's index."""
    return {
        index: Offer(route.action, route.action.api, planned.get(route.action.backend.service))
        for index, route in enumerate(config.routes)
        if isinstance(route.action, Forward) and route.action.api is not None
    }


def _no_path(config: HostConfig) -> api.Route:
    message = answer("no-path", 404, _NO_PATH)
    if any(isinstance(route.action, Forward) and route.action.api for route in config.routes):
        message.metadata.MergeFrom(api.Route(metadata=marked(REST)).metadata)
    return message


def _scope(config: HostConfig, hosts: Iterable[api.VirtualHost]) -> Resource:
    name = names.scope(config.listener, config.host)
    message = api.ScopedRouteConfiguration(
        name=name,
        key={"fragments": [{"string_key": each} for each in names.scope_key(config.listener, config.host)]},
        route_configuration={"name": name, "virtual_hosts": hosts},
    )
    for each in CHAIN:
        found = each.per_host(config)
        if found is not None:
            message.route_configuration.typed_per_filter_config[each.name].CopyFrom(found)
    return resource(SCOPE, name, message)


def _authority(pattern: str) -> api.HeaderMatcher:
    return api.HeaderMatcher(name=":authority", string_match={"safe_regex": {"regex": pattern}})


def _upper_case() -> api.Route:
    """Scope keys are case-sensitive: an upper-case form of an exact host must not reach a wildcard's backend."""
    route = answer("upper-case-host", 421, _UPPER)
    route.match.headers.append(_authority(".*[A-Z].*"))
    return route


def _one_label(route: api.Route, host: str) -> api.Route:
    """A wildcard stands for one label; Envoy's own stands for many. The host is marked as unknown_host does it."""
    route.match.headers.append(_authority(re.escape(MARK) + r"[^.:]+" + re.escape(host[1:])))
    return route
