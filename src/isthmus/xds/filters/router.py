"""The router: always last. Lean: no x-envoy-* headers, no per-route statistics (they cost several percent)."""

from __future__ import annotations

from isthmus.ir.listener import Listener
from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter


def _default(_: Listener) -> api.Any:
    return api.pack(api.Router(suppress_envoy_headers=True, dynamic_stats={"value": False}))


FILTER = HttpFilter("envoy.filters.http.router", _default)
