"""HTTP filters: one file each. CHAIN is their order in Envoy, for every listener.

Order (facts of Envoy, not taste): what settles the host comes first, the router last. A filter that only some
hosts want is disabled in the chain and enabled by those hosts' route configuration, so the listener never changes.
"""

from isthmus.xds.filters import router, unknown_host
from isthmus.xds.filters.http_filter import HttpFilter

CHAIN: tuple[HttpFilter, ...] = (
    unknown_host.FILTER,  # settles the scope of hosts that have none of their own
    router.FILTER,
)
