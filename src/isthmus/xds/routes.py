"""Hosts to scoped route configurations: an exact host is a resource of its own, all wildcard hosts share one.

Timeouts never cut a stream: no route timeout, no limit from grpc-timeout but the client's own, idle limits only.
A long list of routes becomes a prefix tree, so that its length costs nothing per request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from isthmus.ir.action import Forward, Redirect, Respond
from isthmus.ir.host import CATCH_ALL, HostConfig, Origin, Route
from isthmus.ir.match import Exact, Match, Prefix, SegmentPrefix
from isthmus.kube.refs import ObjectRef
from isthmus.xds import api, names
from isthmus.xds.filters import CHAIN
from isthmus.xds.filters.unknown_host import MARK
from isthmus.xds.listeners import IDLE_MS
from isthmus.xds.path_tree import size, tree
from isthmus.xds.resources import SCOPE, Resource, resource

_MOST_PLANTED = 20_000  # route messages in a tree: paths nested hundreds deep stay a list
TREE_FROM = 50  # routes; below that a list costs no more (bench/)

_GRPC = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
_UPPER = "an upper-case host name: ask for it in lower case\n"
_UNKNOWN = "no route for this host\n"
_NO_PATH = "no route for this path\n"
_LONGEST = 1_000  # characters of an answer; Envoy refuses a host whose answers are over 4,096 bytes


_EVERYTHING = Match(SegmentPrefix("/"))


def emit_host(config: HostConfig) -> Resource:
    """The scope of an exact host on a listener.

    Every path finds a route: a request without one would be looked up again as one to an unknown host.
    """
    host = api.VirtualHost(name=config.host, domains=["*"])
    routes = config.routes
    messages = [emit_route(route) for route in routes]
    if not any(route.match == _EVERYTHING for route in routes):
        routes = (*routes, Route(_EVERYTHING, Respond(404, _NO_PATH), Origin(ObjectRef("", "", ""))))
        messages.append(_answer("no-path", 404, _NO_PATH))
    if len(routes) > TREE_FROM and size(routes) <= _MOST_PLANTED:
        host.matcher.CopyFrom(tree(routes, messages))
    else:
        host.routes.extend(messages)
    return _scope(config, [host])


def emit_wild(listener: str, configs: Sequence[HostConfig]) -> Resource:
    """The scope of all wildcard hosts of a listener, the catch-all and the answer to unknown hosts."""
    catch_all = next((c for c in configs if c.host == CATCH_ALL), HostConfig(listener, CATCH_ALL))
    rest = [emit_route(route) for route in catch_all.routes]
    rest.append(_answer("unknown-host", 404, _UNKNOWN))
    hosts = []
    for config in sorted(configs, key=lambda c: c.host):
        if config.host != CATCH_ALL:
            host = api.VirtualHost(name=config.host, domains=[config.host])
            host.routes.append(_upper_case())
            host.routes.extend(_one_label(emit_route(route), config.host) for route in config.routes)
            host.routes.append(_one_label(_answer("no-path", 404, _NO_PATH), config.host))
            host.routes.extend(rest)
            hosts.append(host)
    hosts.append(api.VirtualHost(name=CATCH_ALL, domains=["*"], routes=[_upper_case(), *rest]))
    return _scope(catch_all, hosts)


def _scope(config: HostConfig, hosts: Sequence[api.VirtualHost]) -> Resource:
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


def emit_route(route: Route) -> api.Route:
    """One route, named after its origin."""
    message = api.Route(name=names.route(route.origin), match=_match(route.match))
    match route.action:
        case Forward():
            message.route.CopyFrom(_forward(route.action))
        case Redirect():
            message.redirect.CopyFrom(_redirect(route.action))
        case Respond():
            message.direct_response.CopyFrom(_respond(route.action.status, route.action.reason + "\n"))
        case _:
            assert_never(route.action)
    return message


def _match(match: Match) -> api.RouteMatch:
    message = api.RouteMatch(headers=[_GRPC] if match.grpc else [])
    match match.path:
        case Exact(path):
            message.path = path
        case SegmentPrefix("/"):
            message.prefix = "/"
        case SegmentPrefix(path):
            message.path_separated_prefix = path
        case Prefix(path):
            message.prefix = path
        case _:
            assert_never(match.path)
    return message


def _forward(action: Forward) -> api.RouteAction:
    message = api.RouteAction(
        cluster=names.cluster(action.backend),
        timeout=timedelta(0),
        max_stream_duration={"grpc_timeout_header_max": timedelta(0)},
    )
    if action.idle_timeout_ms != IDLE_MS:
        message.idle_timeout.FromTimedelta(timedelta(milliseconds=action.idle_timeout_ms))
    if action.websocket:
        message.upgrade_configs.add(upgrade_type="websocket")
    return message


def _redirect(action: Redirect) -> api.RedirectAction:
    port = 0 if action.port == 443 else action.port
    return api.RedirectAction(https_redirect=True, port_redirect=port, response_code=_REDIRECTS[action.status])


_REDIRECTS = {301: 0, 302: 1, 303: 2, 307: 3, 308: 4}  # RedirectAction.RedirectResponseCode


def _respond(status: int, text: str) -> api.DirectResponseAction:
    return api.DirectResponseAction(status=status, body={"inline_string": text[:_LONGEST]})


def _answer(name: str, status: int, text: str) -> api.Route:
    return api.Route(name=name, match={"prefix": "/"}, direct_response=_respond(status, text))


def _authority(pattern: str) -> api.HeaderMatcher:
    return api.HeaderMatcher(name=":authority", string_match={"safe_regex": {"regex": pattern}})


def _upper_case() -> api.Route:
    """Scope keys are case-sensitive: an upper-case form of an exact host must not reach a wildcard's backend."""
    route = _answer("upper-case-host", 421, _UPPER)
    route.match.headers.append(_authority(".*[A-Z].*"))
    return route


def _one_label(route: api.Route, host: str) -> api.Route:
    """A wildcard stands for one label; Envoy's own stands for many. The host is marked as unknown_host does it."""
    route.match.headers.append(_authority(re.escape(MARK) + r"[^.:]+" + re.escape(host[1:])))
    return route
