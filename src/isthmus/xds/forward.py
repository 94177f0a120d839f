"""How a route sends requests to backends: weights, rewrites, retries, hashes, copies.

Timeouts never cut a stream: no route timeout, no limit from grpc-timeout but the client's own, idle limits only.
"""

from __future__ import annotations

from datetime import timedelta

from isthmus.ir.action import Forward, Retry, Rewrite, Session
from isthmus.ir.template import Of, Template, Variable, literal
from isthmus.xds import api, names
from isthmus.xds.listeners import IDLE_MS
from isthmus.xds.text import format_of


def forward(action: Forward, cluster: str) -> api.RouteAction:
    """Send it to a cluster (and to those of its splits), as the action says how."""
    message = api.RouteAction(
        timeout=timedelta(0),
        max_stream_duration={"grpc_timeout_header_max": timedelta(0)},
    )
    if action.splits:
        message.weighted_clusters.clusters.add(name=cluster, weight={"value": action.weight})
        for split in action.splits:
            message.weighted_clusters.clusters.add(name=names.cluster(split.backend), weight={"value": split.weight})
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
    for mirror in action.mirrors:
        message.request_mirror_policies.add(
            cluster=names.cluster(mirror.backend),
            disable_shadow_host_suffix_append=True,
            host_rewrite_literal=mirror.host,
        )
    return message


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


_ON = {"connect-failure": "connect-failure,refused-stream", "reset": "reset", "timeout": "reset"}
_MOST_TRIES = 10
_CERTAIN = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def _retry(retry: Retry) -> api.RetryPolicy:
    """Another host each time. Only where it is said to be safe are requests sent again that may have been acted on."""
    words = [_ON[word] for word in retry.on if word in _ON]
    if retry.statuses:
        words.append("retriable-status-codes")
    message = api.RetryPolicy(
        retry_on=",".join(dict.fromkeys(",".join(words).split(","))),
        num_retries={"value": (retry.tries or _MOST_TRIES) - 1},
        retriable_status_codes=sorted(set(retry.statuses)),
        host_selection_retry_max_attempts=5,
    )
    message.retry_host_predicate.add(name="previous-hosts", typed_config=api.pack(api.PreviousHosts()))
    message.retry_back_off.base_interval.FromMilliseconds(1)  # nginx tries the next one at once
    message.retry_back_off.max_interval.FromMilliseconds(10)
    if not retry.non_idempotent:
        for method in _CERTAIN:
            message.retriable_request_headers.add(name=":method", string_match={"exact": method})
    return message


def _sticky(session: Session) -> dict[str, object]:
    return {
        "name": session.cookie,
        "path": session.path or "/",
        "ttl": timedelta(seconds=session.ttl_s),
        "attributes": [{"name": name, "value": value} for name, value in session.attributes],
    }


_HEADERS = {Of.HOST: ":authority", Of.TARGET: ":path", Of.PATH: ":path", Of.METHOD: ":method"}
_HEADERS |= {Of.REQUEST_ID: "x-request-id", Of.SCHEME: "x-forwarded-proto"}


def _hash(message: api.RouteAction, variable: Variable) -> None:
    """One more part of what the endpoint is chosen by."""
    if variable.of is Of.CLIENT:
        message.hash_policy.add(connection_properties={"source_ip": True})
    elif variable.of is Of.COOKIE:
        message.hash_policy.add(cookie={"name": variable.name})
    elif variable.of is Of.PARAMETER:
        message.hash_policy.add(query_parameter={"name": variable.name})
    else:
        message.hash_policy.add(header={"header_name": _HEADERS.get(variable.of, variable.name)})
