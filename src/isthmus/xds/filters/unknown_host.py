"""Hosts without a scope of their own get the scope of all wildcard hosts.

Scopes are looked up by an exact key, the host. A request whose host has none finds no route configuration, so this
filter, which every exact host switches off, acts on it alone: it puts a mark before the host, which makes the
wildcard scope's key of it (`a.b` is looked up as `isthmus.invalid:a.b`), has the route looked up again, and takes the
mark away. Exact hosts pay nothing (docs/decisions/0002). The script is constant: nothing of a manifest ever becomes
code.
"""

from __future__ import annotations

from isthmus.ir.listener import Listener
from isthmus.xds import api, names
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts

MARK = f"{names.WILD_KEY}:"  # what stands before the colon is the key
SCRIPT = f"""
function envoy_on_request(request)
  local headers = request:headers()
  local host = headers:get(":authority") or ""
  headers:replace(":authority", "{MARK}" .. host)
  request:clearRouteCache()
  request:metadata():get("") -- has the route looked up while the mark is there
  headers:replace(":authority", host)
end
"""


def _default(_: Listener) -> api.Any:
    # By default the filter would clear the route cache once more, because the script changed a header.
    return api.pack(api.Lua(default_source_code={"inline_string": SCRIPT}, clear_route_cache={"value": False}))


FILTER = HttpFilter("isthmus.unknown_host", _default, per_host=off_for_exact_hosts)
