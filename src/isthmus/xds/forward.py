"""How a route sends requests to backends: weights, rewrites, retries, hashes, copies.

Timeouts never cut a stream: no route timeout, no limit from grpc-timeout but the client's own, idle limits only.
"""

from __future__ import annotations

from datetime import timedelta

from isthmus.ir.action import Forward, Retry, Rewrite, Session
from isthmus.ir.template import Of, Template, Variable, literal
from isthmus.xds import api, names
from isthmus.xds.listeners import IDLE_MS
from isthmus.xds.sessions import side_cookie
from isthmus.xds.text import OVERWRITE, format_of


def forward(action: Forward, cluster: str) -> api.RouteAction:
    """Send it to a cluster (and to those of its splits), as the action says how."""
    message = api.RouteAction(
        timeout=timedelta(0),
        max_stream_duration={"grpc_timeout_header_max": timedelta(0)},
    )
    if action.splits:
        _share(message, cluster, action)
    else:
        message.cluster = cluster
    if action.idle_timeout_ms != IDLE_MS:
        message.idle_timeout.FromTimedelta(timedelta(milliseconds=action.idle_timeout_ms))
    if action.websocket:
        message.upgrade_configs.add(upgrade_type="websocket")
    if action.rewrite is not None:
        _rewrite(message, action.rewrite)
    if action.host:
        _name(message, action.host)
    if action.retry is not None:
        message.retry_policy.CopyFrom(_retry(action.retry))
    if action.session is not None and not action.session.persistent:
        message.hash_policy.add(cookie=_sticky(action.session))
    for part in action.hash_key:
        if isinstance(part, Variable):
            _hash(message, part)
    if action.hash_key and all(isinstance(part, str) or part.of in _MAYBE for part in action.hash_key):
        # Without anything to hash Envoy takes any endpoint; nginx hashes an empty text.
        message.hash_policy.add(header=_ALWAYS_THE_SAME)
    for mirror in action.mirrors:
        message.request_mirror_policies.add(
            cluster=names.cluster(mirror.backend),
            disable_shadow_host_suffix_append=True,
            host_rewrite_literal=mirror.host,
        )
    return message


def _share(message: api.RouteAction, cluster: str, action: Forward) -> None:
    """Requests go to several clusters by their weights; clients that are to stay are told which one they got."""
    shares = [(cluster, action.weight, action.mark)]
    shares += [(names.cluster(each.backend), each.weight, each.mark) for each in action.splits]
    for name, weight, mark in shares:
        message.weighted_clusters.clusters.add(
            name=name,
            weight={"value": weight},
            response_headers_to_add=side_cookie(action.session, mark),
        )


def _rewrite(message: api.RouteAction, rewrite: Rewrite) -> None:
    if rewrite.pattern:
        message.regex_rewrite.pattern.regex = rewrite.pattern
        message.regex_rewrite.substitution = rewrite.substitution
    else:
        message.prefix_rewrite = rewrite.substitution


def _name(message: api.RouteAction, host: Template) -> None:
    fixed = literal(host)
    if fixed is not None:
        message.host_rewrite_literal = fixed
    else:
        message.host_rewrite = format_of(host)


_ON = {
    "connect-failure": ("connect-failure", "refused-stream"),
    "timeout": ("connect-failure",),
    "reset": ("reset",),
    "unsent": ("reset-before-request",),
}
_MOST_TRIES = 10
_NOT_SENT = ("connect-failure", "refused-stream", "reset-before-request")  # nobody can have acted on the request
_CERTAIN = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "COPY", "MOVE", "PROPPATCH")
_RETRY_ON = "x-envoy-retry-on"


def retry_header(retry: Retry) -> api.HeaderValueOption | None:
    """What else requests that may be repeated are tried again for: an addition for Envoy, which does not pass it on.

    There is always a value, so that nobody's own counts.
    """
    _, others = _reasons(retry)
    if retry.non_idempotent or not others:
        return None
    methods = ", ".join(f"'{method}'" for method in _CERTAIN)
    value = f"%CEL(request.method in [{methods}] ? '{','.join(others)}' : 'connect-failure')%"
    return api.HeaderValueOption(header={"key": _RETRY_ON, "value": value}, append_action=OVERWRITE)


def _reasons(retry: Retry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For requests of every kind, and for those of methods that may be repeated."""
    words = [each for word in retry.on for each in _ON.get(word, ())]
    if retry.statuses:
        words.append("retriable-status-codes")
    if "reset" in words:
        words.append("reset-before-request")
    safe = tuple(word for word in dict.fromkeys(words) if word in _NOT_SENT)
    others = tuple(word for word in dict.fromkeys(words) if word not in _NOT_SENT)
    return ((*safe, *others), ()) if retry.non_idempotent else (safe, others)


def _retry(retry: Retry) -> api.RetryPolicy:
    """Another host each time."""
    message = api.RetryPolicy(
        retry_on=",".join(_reasons(retry)[0]),
        num_retries={"value": (retry.tries or _MOST_TRIES) - 1},
        retriable_status_codes=sorted(set(retry.statuses)),
        host_selection_retry_max_attempts=5,
    )
    message.retry_host_predicate.add(name="previous-hosts", typed_config=api.pack(api.PreviousHosts()))
    message.retry_back_off.base_interval.FromMilliseconds(1)  # nginx tries the next one at once
    message.retry_back_off.max_interval.FromMilliseconds(10)
    return message


def _sticky(session: Session) -> dict[str, object]:
    return {
        "name": session.cookie,
        "path": session.path or "/",
        "ttl": timedelta(seconds=session.ttl_s),
        "attributes": [{"name": name, "value": value} for name, value in session.attributes],
    }


_HEADERS = {Of.HOST: ":authority", Of.TARGET: ":path", Of.PATH: ":path", Of.METHOD: ":method"}
_HEADERS |= {Of.QUERY: ":path", Of.REQUEST_ID: "x-request-id", Of.SCHEME: "x-forwarded-proto"}


_WITHOUT = {Of.PATH: r"\?.*", Of.QUERY: r"^[^?]*\??"}  # what is left out of the header
_MAYBE = (Of.COOKIE, Of.PARAMETER, Of.HEADER)  # what a request may lack
_ALWAYS_THE_SAME = {"header_name": ":method", "regex_rewrite": {"pattern": {"regex": ".+"}, "substitution": "-"}}


def _hash(message: api.RouteAction, variable: Variable) -> None:
    """One more part of what the endpoint is chosen by."""
    if variable.of is Of.CLIENT:
        message.hash_policy.add(connection_properties={"source_ip": True})
    elif variable.of is Of.COOKIE:
        message.hash_policy.add(cookie={"name": variable.name})
    elif variable.of is Of.PARAMETER:
        message.hash_policy.add(query_parameter={"name": variable.name})
    else:
        header: dict[str, object] = {"header_name": _HEADERS.get(variable.of, variable.name)}
        without = _WITHOUT.get(variable.of)
        if without is not None:
            header["regex_rewrite"] = {"pattern": {"regex": without}, "substitution": ""}
        message.hash_policy.add(header=header)
