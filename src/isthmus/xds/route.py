"""One route: what it matches and what it does. May not know the host that it is part of.

Timeouts never cut a stream: no route timeout, no limit from grpc-timeout but the client's own, idle limits only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from isthmus.ir.action import Forward, Redirect, Respond
from isthmus.ir.host import Route
from isthmus.ir.match import Exact, Match, Pattern, Prefix, SegmentPrefix
from isthmus.xds import api, names
from isthmus.xds.listeners import IDLE_MS

_GRPC = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
_LONGEST = 1_000  # characters of an answer; Envoy refuses a host whose answers are over 4,096 bytes


def emit_route(route: Route) -> api.Route:
    """One route, named after its origin."""
    message = api.Route(name=names.route(route.origin), match=emit_match(route.match))
    match route.action:
        case Forward():
            message.route.CopyFrom(forward(route.action, names.cluster(route.action.backend)))
        case Redirect():
            message.redirect.CopyFrom(_redirect(route.action))
        case Respond():
            message.direct_response.CopyFrom(_respond(route.action.status, route.action.reason + "\n"))
        case _:
            assert_never(route.action)
    return message


def emit_match(match: Match) -> api.RouteMatch:
    """What a route takes."""
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
        case Pattern(_, regex):
            message.safe_regex.regex = regex
        case _:
            assert_never(match.path)
    return message


def forward(action: Forward, cluster: str) -> api.RouteAction:
    """Send it to a cluster, as the action says how."""
    message = api.RouteAction(
        cluster=cluster,
        timeout=timedelta(0),
        max_stream_duration={"grpc_timeout_header_max": timedelta(0)},
    )
    if action.idle_timeout_ms != IDLE_MS:
        message.idle_timeout.FromTimedelta(timedelta(milliseconds=action.idle_timeout_ms))
    if action.websocket:
        message.upgrade_configs.add(upgrade_type="websocket")
    return message


def answer(name: str, status: int, text: str) -> api.Route:
    """A route of our own that answers every path."""
    return api.Route(name=name, match={"prefix": "/"}, direct_response=_respond(status, text))


def _redirect(action: Redirect) -> api.RedirectAction:
    port = 0 if action.port == 443 else action.port
    return api.RedirectAction(https_redirect=True, port_redirect=port, response_code=_REDIRECTS[action.status])


_REDIRECTS = {301: 0, 302: 1, 303: 2, 307: 3, 308: 4}  # RedirectAction.RedirectResponseCode


def _respond(status: int, text: str) -> api.DirectResponseAction:
    return api.DirectResponseAction(status=status, body={"inline_string": text[:_LONGEST]})
