"""What a route asks of requests before it lets them through, in words, read from what Envoy gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from isthmus.xds import api
from isthmus.xds.filters import access, limits


def asked(route: api.Route, host: Mapping[str, api.Any]) -> tuple[str, ...]:
    """One line for each filter that the route brings along, in the order in which they run.

    `host` are the configurations of filters of its virtual host.
    """
    lines: list[str] = []
    for one in access.FILTERS:
        if one is limits.FILTER:
            lines += _limits(route, host)
        found = route.typed_per_filter_config.get(one.name)
        if found is not None:
            per_route = api.CompositePerRoute.FromString(found.value)
            execute = api.ExecuteFilterAction.FromString(per_route.matcher.on_no_match.action.typed_config.value)
            for each in execute.filter_chain.typed_config:
                lines += _words(each.name, each.typed_config)
    return tuple(lines)


def _words(name: str, config: api.Any) -> Iterator[str]:
    match config.type_url.rpartition(".")[2]:
        case "RBAC":
            yield from _rules(api.RBAC.FromString(config.value))
        case "ExtAuthz":
            service = api.ExtAuthz.FromString(config.value).grpc_service
            yield f"the authorization helper agrees (policy {service.initial_metadata[0].value})"
        case "BodySizeLimit":
            yield f"the body has at most {api.BodySizeLimit.FromString(config.value).max_request_bytes.value} bytes"
        case "BandwidthLimit":
            yield f"answers at {api.BandwidthLimit.FromString(config.value).limit_kbps.value} KiB a second"
        case "RateLimit":
            yield "not too many requests at one time, as the helper counts them"
        case "Lua":
            yield "answers are changed by a constant script"
        case "HeaderMutation":
            yield "headers are changed"
        case "CustomResponse":
            yield "error pages from another backend"
        case "StatefulSession":
            yield "clients stay on their endpoint by a cookie"
        case _:
            yield name


def _limits(route: api.Route, host: Mapping[str, api.Any]) -> Iterator[str]:
    counting = [limits.entries(each.actions) for each in route.route.rate_limits]
    for config, descriptor in limits.held(host):
        if [(entry.key, entry.value) for entry in descriptor.entries] in counting:
            yield _limit(config, descriptor)


def _limit(config: api.LocalRateLimit, descriptor: api.LocalRateLimitDescriptor) -> str:
    bucket = descriptor.token_bucket
    keys = [entry.key for entry in descriptor.entries if not entry.value]
    each = f" for each {' and '.join(keys)}" if keys else ""
    seconds = bucket.fill_interval.ToMilliseconds() / 1000
    counted = "" if config.filter_enforced.default_value.numerator else ", only counted"
    rate = f"{bucket.tokens_per_fill.value} every {seconds:g} s"
    return f"at most {bucket.max_tokens} requests at once, {rate}{each}{counted}, else {config.status.code}"


def _rules(config: api.RBAC) -> Iterator[str]:
    word = "not " if config.rules.action else ""
    for policy in config.rules.policies.values():
        if policy.HasField("condition"):
            wanted = policy.condition.call_expr.args[0].const_expr.string_value
            yield f"the subject of the client's certificate is like {wanted}"
            return
        ranges = [f"{p.remote_ip.address_prefix}/{p.remote_ip.prefix_len.value}" for p in policy.principals]
        named = ", ".join(each for each in ranges if each != "/0")
        yield f"the client's address is {word}in {named}" if named else "nobody may come"
