"""Rate limits: Envoy's local rate limit, one token bucket for each value of the key.

A bucket holds the burst and one request; it is refilled at the rate. Sources that are exempt get no bucket. The
buckets are the virtual host's, and its routes say which of them count a request: so the paths of an Ingress share
one, however many routes they become. Rule: what the host holds and what a route says are made of the same limit.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from isthmus.ir.policy import RateLimit
from isthmus.ir.template import Of, Template, Variable
from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts
from isthmus.xds.text import PLAIN, cookie_value

_UNLIMITED = 1_000_000_000  # the bucket of requests that no descriptor counts
_MOST_KEYS = 100_000  # clients with a bucket of their own at one time; Envoy's default of 20 would make it meaningless
_SHORTEST_MS = 50  # between two fills of a bucket, in Envoy
_COUNTED = "counted"
FILTER = HttpFilter("isthmus.limits", lambda _: api.pack(api.Composite()), per_host=off_for_exact_hosts)
_HEADERS = {
    Of.HOST: ":authority",
    Of.TARGET: ":path",
    Of.METHOD: ":method",
    Of.SCHEME: "x-forwarded-proto",
    Of.REQUEST_ID: "x-request-id",
}
_EXPRESSIONS = {Of.PATH: "request.url_path", Of.QUERY: "request.query", Of.PROTOCOL: "request.protocol"}


def host_limits(limits: Iterable[RateLimit]) -> api.Any:
    """What a virtual host holds: the buckets of all limits of its routes.

    A filter has one status and is enforced or not, so limits that differ in that are in several.
    """
    kinds: dict[tuple[int, bool], list[RateLimit]] = {}
    for limit in dict.fromkeys(limits):
        kinds.setdefault((limit.status, limit.dry_run), []).append(limit)
    name = "envoy.filters.http.local_ratelimit"
    filters = [{"name": name, "typed_config": _buckets(each)} for each in kinds.values()]
    action = api.pack(api.ExecuteFilterAction(filter_chain={"typed_config": filters}))
    run = {"action": {"name": "run", "typed_config": action}}
    return api.pack(api.CompositePerRoute(matcher={"on_no_match": run}))


def route_limits(limits: Iterable[RateLimit]) -> list[api.RouteRateLimit]:
    """What a route says: the buckets that its requests take from."""
    return [api.RouteRateLimit(actions=_actions(limit)) for limit in dict.fromkeys(limits)]


def held(host: Mapping[str, api.Any]) -> Iterator[tuple[api.LocalRateLimit, api.LocalRateLimitDescriptor]]:
    """The buckets that are in a virtual host's configurations of filters, each with its filter."""
    found = host.get(FILTER.name)
    if found is not None:
        matcher = api.CompositePerRoute.FromString(found.value).matcher
        execute = api.ExecuteFilterAction.FromString(matcher.on_no_match.action.typed_config.value)
        for each in execute.filter_chain.typed_config:
            message = api.LocalRateLimit.FromString(each.typed_config.value)
            yield from ((message, descriptor) for descriptor in message.descriptors)


def _buckets(limits: Sequence[RateLimit]) -> api.Any:
    """The filter for limits of one kind."""
    message = api.LocalRateLimit(
        stat_prefix="limit",
        token_bucket={
            "max_tokens": _UNLIMITED,
            "tokens_per_fill": {"value": _UNLIMITED},
            "fill_interval": timedelta(seconds=1),
        },
        filter_enabled={"default_value": {"numerator": 100}},
        filter_enforced={"default_value": {"numerator": 0 if limits[0].dry_run else 100}},
        status={"code": limits[0].status},
        rate_limited_as_resource_exhausted=True,
        max_dynamic_descriptors={"value": _MOST_KEYS},
    )
    for limit in limits:
        descriptor = message.descriptors.add(token_bucket=_bucket(limit))
        for key, value in entries(_actions(limit)):
            descriptor.entries.add(key=key, value=value)
    return api.pack(message)


def _actions(limit: RateLimit) -> list[api.RateLimitAction]:
    digest = hashlib.sha256(msgspec.msgpack.encode(limit)).hexdigest()[:12]
    return list(counted(limit.key, limit.exempt, f"{limit.place} {digest}"))


def counted(key: Template, exempt: Sequence[str], as_what: str = _COUNTED) -> Iterator[api.RateLimitAction]:
    """What a request is counted by; those from exempt sources are not counted at all."""
    entry: dict[str, object] = {"descriptor_key": _COUNTED, "descriptor_value": as_what}
    if exempt:
        matcher = {"ranges": [cidr(each) for each in exempt], "invert_match": True}
        yield api.RateLimitAction(remote_address_match={**entry, "address_matcher": matcher})
    else:
        yield api.RateLimitAction(generic_key=entry)
    variables = [part for part in key if isinstance(part, Variable)]
    for index, variable in enumerate(variables):
        yield from _of_variable(variable, f"key{index}")


def _of_variable(variable: Variable, key: str) -> Iterator[api.RateLimitAction]:
    if variable.of is Of.CLIENT:
        yield api.RateLimitAction(remote_address={})
    elif variable.of in _HEADERS or variable.of is Of.HEADER:
        name = _HEADERS.get(variable.of, variable.name)
        yield api.RateLimitAction(request_headers={"header_name": name, "descriptor_key": key})
    elif variable.of is Of.PARAMETER:
        yield api.RateLimitAction(query_parameters={"query_parameter_name": variable.name, "descriptor_key": key})
    else:
        text = _EXPRESSIONS.get(variable.of, "")
        if variable.of is Of.COOKIE and PLAIN.fullmatch(variable.name):
            text = cookie_value(variable.name)
        if text:
            config = api.pack(api.RateLimitExpression(descriptor_key=key, text=text))
            yield api.RateLimitAction(extension={"name": "cel", "typed_config": config})


def entries(actions: Iterable[api.RateLimitAction]) -> list[tuple[str, str]]:
    """What the actions make, as a bucket is named."""
    return [_entry(action) for action in actions]


def _entry(action: api.RateLimitAction) -> tuple[str, str]:
    """What the action makes: a key, and a value where it is always the same."""
    match action.WhichOneof("action_specifier"):
        case "remote_address":
            return "remote_address", ""
        case "request_headers":
            return action.request_headers.descriptor_key, ""
        case "query_parameters":
            return action.query_parameters.descriptor_key, ""
        case "extension":
            return api.RateLimitExpression.FromString(action.extension.typed_config.value).descriptor_key, ""
        case "remote_address_match":
            return _COUNTED, action.remote_address_match.descriptor_value
        case _:
            return _COUNTED, action.generic_key.descriptor_value


def _bucket(limit: RateLimit) -> dict[str, object]:
    """A token every `per_ms / requests`, in steps that Envoy can take."""
    interval = limit.per_ms / limit.requests
    tokens = 1
    if interval < _SHORTEST_MS:
        tokens = max(1, round(_SHORTEST_MS / interval))
        interval = tokens * interval
    return {
        "max_tokens": max(limit.burst + 1, tokens),
        "tokens_per_fill": {"value": tokens},
        "fill_interval": timedelta(milliseconds=max(_SHORTEST_MS, round(interval))),
    }


def cidr(text: str) -> dict[str, object]:
    """An address range as Envoy writes it."""
    network = ipaddress.ip_network(text, strict=False)
    return {"address_prefix": str(network.network_address), "prefix_len": {"value": network.prefixlen}}
