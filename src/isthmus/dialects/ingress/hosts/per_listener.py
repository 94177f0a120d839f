"""What the rules of a host become on each listener: over TLS as they are, in clear redirects where TLS is asked for.

Redirects that are a path's own come before the one to HTTPS, as in nginx. Rule: gRPC is told in its own protocol,
because gRPC clients do not follow redirects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from isthmus.dialects.dialect import Options
from isthmus.dialects.ingress.hosts.by_listener import on_listener
from isthmus.dialects.ingress.hosts.rules import Rule
from isthmus.ir.action import Action, Redirect, Respond, SendTo
from isthmus.ir.host import Origin, Route
from isthmus.ir.match import Match, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.ir.policy import NOTHING_ASKED, Edit, HeaderEdit, Policy
from isthmus.ir.template import Of, Template, Variable

_TLS_ONLY = "this host is served over TLS only: connect with TLS to port {port}"
_HSTS = "Strict-Transport-Security"
_ORIGIN = Variable(Of.ORIGIN)


def over_tls(rules: Iterable[Rule], options: Options) -> list[Route]:
    """The routes of the HTTPS listener."""
    start = _origin("https", options.https_port, 443)
    return [_route(rule, start, _with_hsts(rule.policy, rule.draft.hsts), tls=True) for rule in rules]


def in_clear(rules: Iterable[Rule], tls: bool, options: Options) -> list[Route]:
    """The routes of the HTTP listener; `tls` says that the host has TLS."""
    start = _origin("http", options.http_port, 80)
    routes = []
    for rule in rules:
        draft = rule.draft
        asked = draft.force_ssl_redirect or draft.forwarded_redirect or (draft.ssl_redirect and tls)
        if asked and not rule.in_clear and not isinstance(rule.action, SendTo):
            routes.append(Route(_match(rule), Redirect(options.https_port, draft.redirect_status), rule.origin))
        else:
            routes.append(_route(rule, start, rule.policy if tls else _asked_in_clear(rule.policy), tls=False))
    return routes


def told_in_grpc(clear: Sequence[Route], options: Options) -> tuple[Route, ...]:
    """The routes of the HTTP listener with what gRPC clients are told where every path redirects to HTTPS."""
    redirected = [route for route in clear if isinstance(route.action, Redirect)]
    if not redirected or not all(isinstance(route.action, Redirect | SendTo) for route in clear):
        return ordered(clear)
    said = Respond(403, _TLS_ONLY.format(port=options.https_port))
    last = ordered(redirected)[-1]
    return ordered([Route(Match(SegmentPrefix("/"), grpc=True), said, last.origin), *clear])


def elsewhere(host: str, origin: Origin, status: int, options: Options, hsts: str) -> tuple[Route, Route]:
    """The routes, in clear and over TLS, of a host that only sends to another one."""
    everything = Match(SegmentPrefix("/"))
    clear: Template = (f"http://{host}{_port(options.http_port, 80)}", Variable(Of.TARGET))
    secure: Template = (f"https://{host}{_port(options.https_port, 443)}", Variable(Of.TARGET))
    return (
        Route(everything, SendTo(clear, status), origin),
        Route(everything, SendTo(secure, status), origin, _with_hsts(NOTHING_ASKED, hsts)),
    )


def _asked_in_clear(policy: Policy) -> Policy:
    """A question to this gateway itself about a host without TLS. There https://$host is what a proxy before us serves;
    nginx has a certificate of its own for such hosts."""
    asked = policy.authorization
    if asked is None or asked.question is None or asked.question.backend is not None or not asked.question.tls:
        return policy
    return replace(policy, authorization=replace(asked, question=replace(asked.question, tls=False)))


def _route(rule: Rule, start: Template, policy: Policy, tls: bool) -> Route:
    action = _settled(on_listener(rule.action, rule.draft, tls), start)
    return Route(_match(rule), action, rule.origin, policy)


def _match(rule: Rule) -> Match:
    return Match(rule.path, conditions=rule.conditions, turn=rule.turn)


def _settled(action: Action, start: Template) -> Action:
    """With the listener's own scheme and port where a location says this host."""
    if not isinstance(action, SendTo) or _ORIGIN not in action.location:
        return action
    parts = [start if part == _ORIGIN else (part,) for part in action.location]
    return replace(action, location=tuple(part for some in parts for part in some))


def _origin(scheme: str, port: int, usual: int) -> Template:
    end = _port(port, usual)
    return (f"{scheme}://", Variable(Of.HOST), *((end,) if end else ()))


def _port(port: int, usual: int) -> str:
    return "" if port == usual else f":{port}"


def _with_hsts(policy: Policy, value: str) -> Policy:
    if not value:
        return policy
    edits = (each for each in policy.answer_headers if each.name.lower() != _HSTS.lower())
    return replace(policy, answer_headers=(*edits, HeaderEdit(_HSTS, (value,), Edit.SET)))
