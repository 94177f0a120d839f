"""Counts the requests of each client that run at the same time, for Envoy's rate limit filter.

Envoy asks when a request begins and gives back when it ends; one that was refused is given back too, so it is counted
like any other. Rule: what is not understood is refused. Counts are this process's own and begin at nothing, as they
do with a new Envoy, because one that ended gives nothing back.
"""

from __future__ import annotations

from typing import Any

import grpc

from isthmus.xds import api
from isthmus.xds.filters.concurrency import DOMAIN, MOST, PLACE

_SERVICE = "envoy.service.ratelimit.v3.RateLimitService"
_OK, _OVER_LIMIT = 1, 2  # RateLimitResponse.Code

Key = tuple[tuple[str, str], ...]


class Concurrency:
    """Requests that run, by place and client; nothing is kept for those that have none."""

    def __init__(self) -> None:
        self._running: dict[Key, int] = {}

    def __len__(self) -> int:
        """How many clients have requests running."""
        return len(self._running)

    def forget(self) -> None:
        """No request runs: Envoy has been started anew."""
        self._running.clear()

    def handler(self) -> grpc.GenericRpcHandler:
        """For an asyncio gRPC server."""
        method = grpc.unary_unary_rpc_method_handler(
            self._answer, api.RateLimitRequest.FromString, api.RateLimitResponse.SerializeToString
        )
        return grpc.method_handlers_generic_handler(_SERVICE, {"ShouldRateLimit": method})

    async def _answer(self, message: Any, _: Any) -> Any:
        allowed = message.domain == DOMAIN and all([self._one(each) for each in message.descriptors])
        return api.RateLimitResponse(overall_code=_OK if allowed else _OVER_LIMIT)

    def _one(self, descriptor: Any) -> bool:
        entries = tuple((entry.key, entry.value) for entry in descriptor.entries)
        if [key for key, _ in entries[:2]] != [PLACE, MOST] or not entries[1][1].isdigit():
            return False
        key = (entries[0], *entries[2:])
        if descriptor.is_negative_hits:
            left = self._running.get(key, 0) - 1
            if left > 0:
                self._running[key] = left
            else:
                self._running.pop(key, None)
            return True
        self._running[key] = self._running.get(key, 0) + 1
        return self._running[key] <= int(entries[1][1])
