"""What an HTTP filter is: a record of functions, so that a new one is a file and a line in CHAIN.

An optional filter does nothing unless a virtual host or a route configures it. It is enabled in the chain all the
same, and switched off by every exact host: the filters of a request are chosen before a wildcard host is found
(docs/decisions/0008), and what is off costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from isthmus.ir.host import HostConfig, is_wild
from isthmus.ir.listener import Listener
from isthmus.xds import api


def _nothing(_: HostConfig) -> api.Any | None:
    return None


class HttpFilter(Struct, frozen=True):
    """`default` is the filter's configuration in a listener's chain, packed.

    `per_host` may give the configuration of a host's whole route table, or switch the filter off for it. What one
    route or virtual host wants is in the map of its own, under `name`.
    """

    name: str
    default: Callable[[Listener], api.Any]
    per_host: Callable[[HostConfig], api.Any | None] = _nothing


def off() -> api.Any:
    """Switches a filter off for a host or a route."""
    return api.pack(api.FilterConfig(disabled=True))


def off_for_exact_hosts(config: HostConfig) -> api.Any | None:
    """For filters that act on wildcard and unknown hosts, or only where a route configures them."""
    return None if is_wild(config.host) else off()
