"""Hosts without a scope of their own get the scope of all wildcard hosts; upper case is as lower case.

Scopes are looked up by an exact key, the host. A request whose host has none finds no route configuration, so this
filter, which every exact host switches off, acts on it alone. A host with letters in upper case is first written in
lower case and has the route looked up again. What is still without a route gets a mark before the host, which makes
the wildcard scope's key of it (`a.b` is looked up as `isthmus.invalid:a.b`), has the route looked up, and loses the
mark. Exact hosts pay nothing (docs/decisions/0002). The scripts are constant: nothing of a manifest ever becomes code.
"""

from __future__ import annotations

from isthmus.ir.listener import Listener
from isthmus.xds import api, names
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts

MARK = f"{names.WILD_KEY}:"  # what stands before the colon is the key
_LOWER = """
function envoy_on_request(request)
  local headers = request:headers()
  headers:replace(":authority", headers:get(":authority"):lower())
  request:clearRouteCache()
  request:metadata():get("") -- has the route looked up
end
"""
_MARKED = f"""
  headers:replace(":authority", "{MARK}" .. host)
  request:clearRouteCache()
  request:metadata():get("") -- has the route looked up while the mark is there
  headers:replace(":authority", host)
end
"""
SCRIPT = f"""
function envoy_on_request(request)
  local headers = request:headers()
  local host = headers:get(":authority") or ""
{_MARKED.strip(chr(10))}
"""
_UNLESS_FOUND = f"""
function envoy_on_request(request)
  local headers = request:headers()
  local host = headers:get(":authority")
  if request:streamInfo():routeName() ~= "" and host:sub(1, {len(MARK)}) ~= "{MARK}" then
    return -- no client can put the mark there itself
  end
{_MARKED.strip(chr(10))}
"""


def _default(_: Listener) -> api.Any:
    host = api.pack(api.HttpRequestHeaderMatchInput(header_name=":authority"))
    upper = {
        "input": {"name": "host", "typed_config": host},
        "value_match": {"safe_regex": {"google_re2": {}, "regex": ".*[A-Z].*"}},
    }
    lowered = {"predicate": {"single_predicate": upper}, "on_match": _run(_LOWER, _UNLESS_FOUND)}
    return api.pack(api.Composite(matcher={"matcher_list": {"matchers": [lowered]}, "on_no_match": _run(SCRIPT)}))


def _run(*scripts: str) -> dict[str, object]:
    # By default a script's filter would clear the route cache once more, because a header changed.
    filters = [
        api.Lua(default_source_code={"inline_string": each}, clear_route_cache={"value": False}) for each in scripts
    ]
    chain = [{"name": f"script{index}", "typed_config": api.pack(each)} for index, each in enumerate(filters)]
    action = api.ExecuteFilterAction(filter_chain={"typed_config": chain})
    return {"action": {"name": "run", "typed_config": api.pack(action)}}


FILTER = HttpFilter("isthmus.unknown_host", _default, per_host=off_for_exact_hosts)
