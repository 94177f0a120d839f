"""Hosts without a scope of their own get the scope of all wildcard hosts.

Scopes are looked up by an exact key, the host. A request whose host has none finds no route configuration, so this
filter, which every exact host switches off, acts on it alone: it puts a mark before the host, which makes the
wildcard scope's key of it (`a.b` is looked up as `*:a.b`), has the route looked up again, and takes the mark away.
Exact hosts pay nothing (docs/decisions/0002). The filters of a request are chosen before the second look-up, so a
wildcard host must not rely on a filter that is disabled in the chain. The script is constant: nothing of a manifest
ever becomes code.
"""

from __future__ import annotations

from isthmus.ir.host import HostConfig, is_wild
from isthmus.ir.listener import Listener
from isthmus.xds import api, names
from isthmus.xds.filters.http_filter import HttpFilter, off

MARK = f"{names.WILD}:"  # what stands before the colon is the key
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


def _off_for_exact_hosts(config: HostConfig) -> api.Any | None:
    return None if is_wild(config.host) else off()


FILTER = HttpFilter("isthmus.unknown_host", _default, per_host=_off_for_exact_hosts)
