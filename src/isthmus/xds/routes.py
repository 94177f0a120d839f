"""Hosts to scoped route configurations: an exact host is a resource of its own, all wildcard hosts share one.

A long list of routes becomes a prefix tree, so that its length costs nothing per request.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from isthmus.ir.action import Forward
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import CATCH_ALL, HostConfig, Route
from isthmus.ir.match import Match, SegmentPrefix
from isthmus.ir.policy import Policy
from isthmus.ir.transcoding import Transcoding
from isthmus.xds import api, names
from isthmus.xds.api_routes import Offer, Place, api_routes
from isthmus.xds.encoded_paths import encoded, is_encoded, malformed
from isthmus.xds.filters import CHAIN
from isthmus.xds.filters.error_pages import Inside, page_route, path_of
from isthmus.xds.filters.http_filter import off
from isthmus.xds.filters.limits import FILTER as LIMITS
from isthmus.xds.filters.limits import host_limits, route_limits
from isthmus.xds.filters.transcoder import FILTER as TRANSCODER
from isthmus.xds.filters.transcoder import nothing
from isthmus.xds.filters.unknown_host import MARK
from isthmus.xds.guarded import guard_host, refusals
from isthmus.xds.local_replies import REST, marked
from isthmus.xds.path_tree import Entry, size, tree
from isthmus.xds.resources import SCOPE, Resource, resource
from isthmus.xds.route import answer, emit_route
from isthmus.xds.schemas_together import Together, in_one

Planned = Mapping[ServicePortRef, Transcoding]  # the schemas that are known, by the service port that has them
NOTHING_PLANNED: Planned = MappingProxyType({})
NOTHING_OF_ANY: Mapping[str, Planned] = MappingProxyType({})

_MOST_PLANTED = 20_000  # route messages in a tree: paths nested hundreds deep stay a list
_MOST_COPIES = 2  # of a schema in one host's routes
_FEW_ROUTES = 5  # whose variants are a list; a tree holds a route as often as it has longer paths
TREE_FROM = 50  # routes; below that a list costs no more (bench/)

_UNKNOWN = "no route for this host\n"
_NO_PATH = "no route for this path\n"


def emit_host(config: HostConfig, planned: Planned = NOTHING_PLANNED, secret: str = "") -> Resource:
    """The scope of an exact host on a listener. `secret` is the gateway's own.

    Every path finds a route: a request without one would be looked up again as one to an unknown host.
    """
    host = api.VirtualHost(name=config.host, domains=["*"])
    inside = Inside(secret)
    entries = [*_pages([config], inside), *_entries(config, planned, host, inside)]
    if not any(_takes_everything(route.match) for route in config.routes):
        entries.append(("/", _no_path(config)))
    entries = [*_refusals(config), *entries]
    if _hold_limits(host, config):
        for _, message in entries:
            if not message.route.rate_limits:
                message.typed_per_filter_config[LIMITS.name].CopyFrom(off())
    _plant(host, entries)
    if config.guard is not None:
        guard_host(host, config.guard)
    return _scope(config, [host])


def emit_wild(
    listener: str, configs: Sequence[HostConfig], planned_of: Mapping[str, Planned] = NOTHING_OF_ANY, secret: str = ""
) -> Resource:
    """The scope of all wildcard hosts of a listener, the catch-all and the answer to unknown hosts.

    `planned_of` has the schemas of each host: one may be served as it was with an earlier one.
    """
    inside = Inside(secret, names.WILD_KEY)
    catch_all = next((c for c in configs if c.host == CATCH_ALL), HostConfig(listener, CATCH_ALL))
    planned = planned_of.get(CATCH_ALL, NOTHING_PLANNED)
    unknown = answer("unknown-host", 404, _UNKNOWN)
    if _has_api(catch_all):
        unknown.metadata.MergeFrom(api.Route(metadata=marked(REST)).metadata)
    hosts = []
    for config in sorted(configs, key=lambda c: c.host):
        if config.host != CATCH_ALL:
            host = api.VirtualHost(name=config.host, domains=[config.host])
            entries = _entries(config, planned_of.get(config.host, NOTHING_PLANNED), host, inside)
            own = [(start, _one_label(message, config.host)) for start, message in entries]
            shared = TRANSCODER.name in host.typed_per_filter_config
            rest = _entries(catch_all, planned, None, inside, nothing() if shared else None)
            last = [("/", _one_label(_no_path(config), config.host)), *rest, ("/", unknown)]
            first = [(start, _one_label(message, config.host)) for start, message in _refusals(config)]
            _hold_limits(host, config, catch_all)
            _plant(host, [*first, *own, *last])
            if config.guard is not None:
                guard_host(host, config.guard)
            hosts.append(host)
    everything = api.VirtualHost(name=CATCH_ALL, domains=["*"])
    _hold_limits(everything, catch_all)
    rest = [*_pages(configs, inside), *_entries(catch_all, planned, everything, inside)]
    _plant(everything, [*rest, ("/", unknown)])
    return _scope(catch_all, [*hosts, everything])


def _hold_limits(host: api.VirtualHost, *configs: HostConfig) -> bool:
    """Give a host the buckets of its routes' rate limits; whether there are any."""
    limits = [limit for config in configs for route in config.routes for limit in route.policy.limits]
    if limits:
        host.typed_per_filter_config[LIMITS.name].CopyFrom(host_limits(limits))
    return bool(limits)


def _takes_everything(match: Match) -> bool:
    return match == Match(SegmentPrefix("/"), turn=match.turn)


def _refusals(config: HostConfig) -> list[Entry]:
    """What stands before the host's own routes, with errors as its callers read them."""
    entries = refusals(config.guard) if config.guard is not None else []
    if _has_api(config):
        for _, message in entries:
            message.metadata.MergeFrom(api.Route(metadata=marked(REST)).metadata)
    return entries


def _plant(host: api.VirtualHost, entries: Sequence[Entry]) -> None:
    """Give a host its routes: a list, or a tree where that would be long."""
    if len(entries) > TREE_FROM and size(entries) <= _MOST_PLANTED:
        host.matcher.CopyFrom(tree(entries))
    else:
        host.routes.extend(message for _, message in entries)


def _pages(configs: Iterable[HostConfig], inside: Inside) -> list[Entry]:
    """The routes that Envoy itself asks for error pages. Those of wildcard hosts are in the catch-all."""
    found = {route.policy.errors for config in configs for route in config.routes if route.policy.errors is not None}
    return sorted(((path_of(each, inside), page_route(each, inside)) for each in found), key=operator.itemgetter(0))


def _entries(
    config: HostConfig,
    planned: Planned,
    host: api.VirtualHost | None,
    inside: Inside,
    without: api.Any | None = None,
) -> list[Entry]:
    """The routes of a host. Schemas are in the virtual host, once, as many as can be in one set: they are large.

    `without` keeps the transcoder of another virtual host from routes that are put there.
    """
    offers = _offers(config, planned)
    together = in_one(offers.values())
    if host is not None and together.config is not None:
        host.typed_per_filter_config[TRANSCODER.name].CopyFrom(together.config)
        without = nothing()  # not off: exact hosts too are found late where clients write them in upper case
    counts = Counter(offer.action.backend.service for offer in offers.values())
    has_encoded = any(is_encoded(route.match.path) for route in config.routes)
    entries: list[Entry] = [("/", malformed())] if has_encoded else []
    for index, route in enumerate(config.routes):
        first = len(entries)
        if index in offers:
            offer = offers[index]
            copies = counts[offer.action.backend.service] if len(config.routes) <= _FEW_ROUTES else _MOST_COPIES + 1
            place = _place(offer, together, host is not None, copies)
            entries.extend(api_routes(route, offer, _shown(config, offers, route.policy), place, without))
            own = [encoded(route)]
        else:
            own = [(route.match.path.path, emit_route(route, inside)), encoded(route)]
        for start, message in (entry for entry in own if entry is not None):
            if without is not None:
                message.typed_per_filter_config[TRANSCODER.name].CopyFrom(without)
            entries.append((start, message))
        _count(route, entries[first:])
    return entries


def _count(route: Route, entries: Iterable[Entry]) -> None:
    """Have the requests of a route take from the buckets of its limits, whichever of its variants they choose."""
    for _, message in entries:
        if message.HasField("route"):
            message.route.rate_limits.extend(route_limits(route.policy.limits))


def _shown(config: HostConfig, offers: Mapping[int, Offer], policy: Policy) -> tuple[str, ...]:
    """The schemas that reflection shows to those whom a policy lets in: of APIs that ask who comes, those alone that
    ask the same."""
    own = (policy.sources, policy.authorization)
    found: set[str] = set()
    for index, offer in offers.items():
        other = config.routes[index].policy
        if offer.planned is not None and (other.sources, other.authorization) in ((None, None), own):
            found.add(offer.planned.digest)
    return tuple(sorted(found))


def _place(offer: Offer, together: Together, on_host: bool, copies: int) -> Place:
    """Where the transcoder of an API is: each route that brings it along holds a copy of the schema."""
    if on_host and together.holds(offer):
        return Place.HOST
    return Place.ROUTE if copies <= _MOST_COPIES else Place.ADAPTER


def _offers(config: HostConfig, planned: Planned) -> dict[int, Offer]:
    """What each API route of a host offers, by the route's index."""
    return {
        index: Offer(route.action, route.action.api, planned.get(route.action.backend.service))
        for index, route in enumerate(config.routes)
        if isinstance(route.action, Forward) and route.action.api is not None
    }


def _no_path(config: HostConfig) -> api.Route:
    message = answer("no-path", 404, _NO_PATH)
    if _has_api(config):
        message.metadata.MergeFrom(api.Route(metadata=marked(REST)).metadata)
    return message


def _has_api(config: HostConfig) -> bool:
    return any(isinstance(route.action, Forward) and route.action.api is not None for route in config.routes)


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


def _one_label(route: api.Route, host: str) -> api.Route:
    """A wildcard stands for one label; Envoy's own stands for many. The host is marked as unknown_host does it."""
    route.match.headers.append(_authority(re.escape(MARK) + r"[^.:]+" + re.escape(host[1:])))
    return route
