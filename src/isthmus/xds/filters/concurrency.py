"""How many requests of one client may run at the same time: counted by the authorization helper, told by Envoy.

Envoy's rate limit filter asks at the beginning of a request and gives back at its end, whatever that was. Without
the helper nothing passes.
"""

from __future__ import annotations

from datetime import timedelta

from isthmus.ir.policy import ConcurrencyLimit
from isthmus.xds import api, names
from isthmus.xds.filters.limits import counted

DOMAIN = "isthmus-concurrency"
PLACE, MOST = "place", "most"  # the first two entries of a descriptor
_DECISION = timedelta(seconds=5)
_V3 = 2  # envoy.config.core.v3.ApiVersion.V3


def concurrency_limit(limit: ConcurrencyLimit) -> api.Any:
    """The filter for one limit."""
    actions = [
        api.RateLimitAction(generic_key={"descriptor_key": PLACE, "descriptor_value": limit.place}),
        api.RateLimitAction(generic_key={"descriptor_key": MOST, "descriptor_value": str(limit.requests)}),
        *counted(limit.key, limit.exempt),
    ]
    service = {"envoy_grpc": {"cluster_name": names.AUTHORIZATION}}
    message = api.RateLimitFilter(
        domain=DOMAIN,
        timeout=_DECISION,
        failure_mode_deny=True,
        status_on_error={"code": 503},
        rate_limited_status={"code": limit.status},
        rate_limited_as_resource_exhausted=True,
        rate_limit_service={"grpc_service": service, "transport_api_version": _V3},
    )
    message.rate_limits.add(actions=actions)
    back = {"number": {"value": 1}, "is_negative_hits": True}
    message.rate_limits.add(actions=actions, apply_on_stream_done=True, hits_addend=back)
    return api.pack(message)
