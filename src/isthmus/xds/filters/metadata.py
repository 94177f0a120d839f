"""Keeps headers of REST callers from becoming metadata, on routes that say which may.

Envoy's header mutation, configured by the route itself: within a composite filter it would be made anew for every
request, which costs a tenth of a transcoded call.
"""

from __future__ import annotations

import functools

from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts
from isthmus.xds.metadata_headers import kept_out

FILTER = HttpFilter("isthmus.metadata", lambda _: api.pack(api.HeaderMutation()), per_host=off_for_exact_hosts)


@functools.cache
def only(also: tuple[str, ...], nothing_else: bool) -> api.Any:
    """A route's configuration: the usual headers (unless `nothing_else`) and `also`."""
    return kept_out(also, nothing_else)
