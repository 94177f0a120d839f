"""One route: what it matches, what it does, and what it asks of requests. May not know the host that it is part of."""

from __future__ import annotations

from typing import assert_never

from isthmus.ir.action import Forward, Redirect, Respond, SendTo
from isthmus.ir.host import Route
from isthmus.ir.match import Condition, Exact, Match, Pattern, Prefix, SegmentPrefix, Shown
from isthmus.ir.policy import NOTHING_ASKED
from isthmus.xds import api, names
from isthmus.xds.access_log import keep_out
from isthmus.xds.filters import access, cors
from isthmus.xds.filters.error_pages import OUTSIDE, Inside
from isthmus.xds.forward import forward, retry_header
from isthmus.xds.forwarded import FORWARDED, IDENTIFIER
from isthmus.xds.header_edits import edit_answer, edit_request
from isthmus.xds.sessions import balance_by_request, side_cookie
from isthmus.xds.text import option

_GRPC = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
_LONGEST = 1_000  # characters of an answer; Envoy refuses a host whose answers are over 4,096 bytes


def emit_route(route: Route, inside: Inside = OUTSIDE) -> api.Route:
    """One route, named after its origin."""
    message = api.Route(name=names.route(route.origin), match=emit_match(route.match))
    match route.action:
        case Forward():
            message.route.CopyFrom(forward(route.action, names.cluster(route.action.backend)))
            more = retry_header(route.action.retry) if route.action.retry is not None else None
            if more is not None:
                message.request_headers_to_add.append(more)
            stay(message, route)
        case Redirect():
            message.redirect.CopyFrom(_redirect(route.action))
        case SendTo():
            message.direct_response.status = route.action.status
            message.response_headers_to_add.append(option("location", route.action.location))
        case Respond():
            message.direct_response.CopyFrom(_respond(route.action.status, route.action.reason + "\n"))
        case _:
            assert_never(route.action)
    ask(message, route, inside)
    return message


def stay(message: api.Route, route: Route) -> None:
    """Have a client stay with the endpoint that its first request got."""
    session = route.action.session if isinstance(route.action, Forward) else None
    if session is None or session.persistent or not balance_by_request(message, session):
        return
    if not route.policy.forwarded:  # which has it already
        edit_request(message, (IDENTIFIER,))


def ask(message: api.Route, route: Route, inside: Inside) -> None:
    """Have the route ask of requests what its policy says."""
    if route.policy == NOTHING_ASKED and not (isinstance(route.action, Forward) and route.action.session):
        return
    policy = route.policy
    if policy.forwarded:
        edit_request(message, FORWARDED)
    if not policy.logged:
        keep_out(message)
    edit_request(message, policy.request_headers)
    edit_answer(message, [edit for edit in policy.answer_headers if edit.name.lower() == access.HSTS])
    if isinstance(route.action, Forward) and not route.action.splits:
        message.response_headers_to_add.extend(side_cookie(route.action.session, route.action.mark))
    for name, wanted in access.access(route, inside):
        message.typed_per_filter_config[name].CopyFrom(wanted)
    if policy.cors is not None:
        message.typed_per_filter_config[cors.FILTER.name].CopyFrom(cors.policy_of(policy.cors))


def emit_match(match: Match) -> api.RouteMatch:
    """What a route takes."""
    message = api.RouteMatch(headers=[_GRPC] if match.grpc else [])
    for condition in match.conditions:
        _add_condition(message, condition)
    if match.certificate is not None:
        message.tls_context.CopyFrom(emit_shown(match.certificate))
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


def emit_shown(shown: Shown) -> api.RouteMatch.TlsContextMatchOptions:
    """Connections whose clients showed that much."""
    message = api.RouteMatch.TlsContextMatchOptions(presented={"value": shown is not Shown.NOTHING})
    if shown is not Shown.NOTHING:
        message.validated.value = shown is Shown.VERIFIED
    return message


def _add_condition(message: api.RouteMatch, condition: Condition) -> None:
    wanted = api.StringMatcher()
    if condition.regex:
        wanted.safe_regex.regex = condition.value
    else:
        wanted.exact = condition.value
    if condition.source == "header":
        message.headers.add(name=condition.name, string_match=wanted, invert_match=condition.negated)
    else:
        message.cookies.add(name=condition.name, string_match=wanted, invert_match=condition.negated)


def answer(name: str, status: int, text: str) -> api.Route:
    """A route of our own that answers every path."""
    return api.Route(name=name, match={"prefix": "/"}, direct_response=_respond(status, text))


def _redirect(action: Redirect) -> api.RedirectAction:
    port = 0 if action.port == 443 else action.port
    return api.RedirectAction(https_redirect=True, port_redirect=port, response_code=_REDIRECTS[action.status])


_REDIRECTS = {301: 0, 302: 1, 303: 2, 307: 3, 308: 4}  # RedirectAction.RedirectResponseCode


def _respond(status: int, text: str) -> api.DirectResponseAction:
    return api.DirectResponseAction(status=status, body={"inline_string": text[:_LONGEST]})
