"""Hosts without a scope of their own get the scope of all wildcard hosts.

Scopes are looked up by an exact key. A request whose host has none finds no route configuration, so these two
filters, which every exact host switches off, act on it alone: they set the scope header to the wildcard scope and
have the route looked up again. Exact hosts pay nothing (docs/decisions/0002). Filters of a host are chosen
before this lookup, so a wildcard host must not rely on a filter that is disabled in the chain.
"""

from __future__ import annotations

from isthmus.ir.host import HostConfig, is_wild
from isthmus.ir.listener import Listener
from isthmus.xds import api, names
from isthmus.xds.filters.http_filter import HttpFilter, off


def _rewrite(listener: Listener) -> api.Any:
    header = {"key": names.SCOPE_HEADER, "value": names.scope(listener.name, names.WILD)}
    append = {"header": header, "append_action": api.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD}
    return api.pack(api.HeaderMutationFilter(mutations={"request_mutations": [{"append": append}]}))


def _rescope(_: Listener) -> api.Any:
    # The filter wants a state to set; what counts is that it clears the route cache.
    state = {
        "object_key": "isthmus.unknown_host",
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": "1"}},
    }
    return api.pack(api.SetFilterState(clear_route_cache=True, on_request_headers=[state]))


def _off_for_exact_hosts(config: HostConfig) -> api.Any | None:
    return None if is_wild(config.host) else off()


REWRITE = HttpFilter("isthmus.unknown_host.rewrite", _rewrite, per_host=_off_for_exact_hosts)
RESCOPE = HttpFilter("isthmus.unknown_host.rescope", _rescope, per_host=_off_for_exact_hosts)
