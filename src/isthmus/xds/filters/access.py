"""What only some routes ask of requests: composite filters, which run the chain of filters that a route brings.

A route that asks for nothing pays for nothing, and the listener never changes. Order within a chain: error pages and
header changes see every answer, the gateway's own included; then limits, source ranges, authorization and sizes, as
in nginx; stickiness last. Rate limits are the virtual host's, so they stand between: what comes before them is in the
first composite filter, what comes after in the others. Rule: nothing follows, within one composite filter, a filter
that goes on later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from isthmus.ir.action import Forward, Session
from isthmus.ir.host import Route
from isthmus.ir.policy import Policy, SourceRanges
from isthmus.xds import api, names
from isthmus.xds.filters.answer_headers import answer_headers
from isthmus.xds.filters.answer_rewrites import answer_rewrites
from isthmus.xds.filters.authorization import authorization
from isthmus.xds.filters.concurrency import concurrency_limit
from isthmus.xds.filters.error_pages import Inside, error_pages, original
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts
from isthmus.xds.filters.limits import FILTER as LIMITS
from isthmus.xds.filters.limits import cidr

_FIRST, *_LATER = (
    HttpFilter(name, lambda _: api.pack(api.Composite()), per_host=off_for_exact_hosts)
    for name in ("isthmus.access", "isthmus.access.second", "isthmus.access.third")
)
FILTERS = (_FIRST, LIMITS, *_LATER)
_LATE = ("envoy.filters.http.ratelimit", "envoy.filters.http.ext_authz")  # each asks somebody, and goes on later

HSTS = "strict-transport-security"  # added by the route itself: nearly every host has it
_ALLOW, _DENY = 0, 1  # RBAC.Action

Named = tuple[str, api.Any]


def access(route: Route, inside: Inside) -> list[Named]:
    """A route's configurations of FILTERS but the limits', by their names; none where nothing is asked."""
    links = _links(route, _pages(route.policy, inside))
    found: list[Named] = []
    for each, link in zip((_FIRST, *_LATER), links, strict=False):
        matcher: dict[str, object] = {"on_no_match": _run(link)}
        if each is _FIRST and route.policy.errors is not None:
            # An answer to HEAD has no body, and a page would bring one.
            without = _links(route, ())
            head = {"single_predicate": {"input": _method(), "value_match": {"exact": "HEAD"}}}
            action = _run(without[0] if len(without) == len(links) and without[0] else [_nothing()])
            matcher["matcher_list"] = {"matchers": [{"predicate": head, "on_match": action}]}
        if link:
            found.append((each.name, api.pack(api.CompositePerRoute(matcher=matcher))))
    return found


def _links(route: Route, pages: Sequence[Named]) -> list[list[Named]]:
    """The chain, cut where limits stand in it, and after each filter that goes on later.

    Envoy goes on behind the composite filter then: what would follow within it would be skipped.
    """
    session = route.action.session if isinstance(route.action, Forward) else None
    policy = route.policy
    links: list[list[Named]] = [[*pages, *_before_limits(policy)]]
    if policy.limits:
        links.append([])
    for named in _after_limits(policy, session, names.route(route.origin)):
        if links[-1] and links[-1][-1][0] in _LATE:
            links.append([])
        links[-1].append(named)
    assert len(links) <= 1 + len(_LATER)
    return links


def _run(chain: Sequence[Named]) -> dict[str, object]:
    filters = [{"name": name, "typed_config": config} for name, config in chain]
    action = api.ExecuteFilterAction(filter_chain={"typed_config": filters})
    return {"action": {"name": "run", "typed_config": api.pack(action)}}


def _method() -> dict[str, object]:
    asked = api.HttpRequestHeaderMatchInput(header_name=":method")
    return {"name": "method", "typed_config": api.pack(asked)}


def _nothing() -> Named:
    return "nothing", api.pack(api.HeaderMutation())


def _pages(policy: Policy, inside: Inside) -> list[Named]:
    if policy.errors is None:
        return []
    return [("original", original(inside)), ("envoy.filters.http.custom_response", error_pages(policy.errors, inside))]


def _before_limits(policy: Policy) -> list[Named]:
    chain: list[Named] = []
    edits = [edit for edit in policy.answer_headers if edit.name.lower() != HSTS]
    if edits:
        chain += answer_headers(edits)
    if policy.answer_rewrites:
        chain.append(("rewrites", answer_rewrites(policy.answer_rewrites)))
    if policy.concurrency is not None:
        chain.append(("envoy.filters.http.ratelimit", concurrency_limit(policy.concurrency)))
    return chain


def _after_limits(policy: Policy, session: Session | None, place: str) -> list[Named]:
    chain = _sources(policy.sources)
    if policy.authorization is not None:
        chain += authorization(policy.authorization, place)
    if policy.max_body_bytes:
        chain.append(("body", api.pack(api.BodySizeLimit(max_request_bytes={"value": policy.max_body_bytes}))))
    if policy.answer_bytes_per_s:
        chain.append(("bandwidth", _bandwidth(policy.answer_bytes_per_s)))
    if session is not None and session.persistent:
        chain.append(("envoy.filters.http.stateful_session", _session(session)))
    return chain


def _sources(sources: SourceRanges | None) -> list[Named]:
    found: list[Named] = []
    if sources is not None and sources.deny:
        found.append(_rbac("denied", _DENY, _from(sources.deny)))
    if sources is not None and sources.allow is not None:
        found.append(_rbac("allowed", _ALLOW, _from(sources.allow)))
    return found


def _from(ranges: Sequence[str]) -> dict[str, object]:
    """The policy of requests from these ranges; of none where there are none."""
    principals: list[dict[str, object]] = [{"remote_ip": cidr(each)} for each in ranges]
    return {"permissions": [{"any": True}], "principals": principals or [{"not_id": {"any": True}}]}


def _rbac(name: str, action: int, policy: dict[str, object]) -> Named:
    message = api.RBAC(rules={"policies": {name: policy}})
    message.rules.action = action
    return "envoy.filters.http.rbac", api.pack(message)


def _bandwidth(bytes_per_s: int) -> api.Any:
    response = 2  # BandwidthLimit.EnableMode.RESPONSE
    limit = {"value": max(1, bytes_per_s // 1024)}
    return api.pack(api.BandwidthLimit(stat_prefix="answers", enable_mode=response, limit_kbps=limit))


def _session(session: Session) -> api.Any:
    cookie = {
        "name": session.cookie,
        "path": session.path or "/",
        "ttl": timedelta(seconds=session.ttl_s),
        "attributes": [{"name": name, "value": value} for name, value in session.attributes],
    }
    state = api.pack(api.CookieBasedSessionState(cookie=cookie))
    return api.pack(
        api.StatefulSession(session_state={"name": "envoy.http.stateful_session.cookie", "typed_config": state})
    )
