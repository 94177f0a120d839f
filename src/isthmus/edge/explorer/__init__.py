"""The web explorer: one page on which every gRPC method can be looked at and called, and the server behind it.

`make_app` makes the server from a Catalog, which says what there is to call. Rule: the explorer only looks and calls;
it changes nothing, keeps nothing and asks nothing of any other host.
"""

from isthmus.edge.explorer.catalog import Catalog, Upstream
from isthmus.edge.explorer.server import make_app

__all__ = ["Catalog", "Upstream", "make_app"]
