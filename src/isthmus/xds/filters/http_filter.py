"""What an HTTP filter is: a record of functions, so that a new one is a file and a line in CHAIN."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from isthmus.ir.host import HostConfig
from isthmus.ir.listener import Listener
from isthmus.xds import api


def _nothing(_: HostConfig) -> api.Any | None:
    return None


class HttpFilter(Struct, frozen=True):
    """`default` is the filter's configuration in a listener's chain, packed.

    `disabled` filters act only on hosts for which `per_host` gives a configuration. `per_host` may also switch a
    filter off for a host, with a packed FilterConfig.
    """

    name: str
    default: Callable[[Listener], api.Any]
    disabled: bool = False
    per_host: Callable[[HostConfig], api.Any | None] = _nothing


def off() -> api.Any:
    """Switches a filter off for a host."""
    return api.pack(api.FilterConfig(disabled=True))
