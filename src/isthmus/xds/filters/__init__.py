"""HTTP filters: one file each. CHAIN is their order in Envoy, for every listener.

Order (facts of Envoy, not taste): what settles the host comes first, the router last; the transcoder sees what a
client sent, and the client's protocol is settled between it and the router. What only some routes want does nothing
until a route configures it, so the listener never changes.
"""

from isthmus.xds.filters import access, client_protocol, cors, metadata, router, transcoder, unknown_host
from isthmus.xds.filters.http_filter import HttpFilter

CHAIN: tuple[HttpFilter, ...] = (
    unknown_host.FILTER,  # settles the scope of hosts that have none of their own
    cors.FILTER,  # answers preflights before anything looks at credentials
    *access.FILTERS,  # who may come, how often, how much: before anything is done with the request
    transcoder.FILTER,  # HTTP and JSON to gRPC and back
    metadata.FILTER,  # which headers of REST callers go on as metadata
    client_protocol.FILTER,  # gRPC-Web and Connect to gRPC and back
    router.FILTER,
)
