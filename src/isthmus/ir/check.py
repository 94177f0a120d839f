"""Invariants of a host that every dialect must keep, whatever the manifests say.

A violation is a bug of ours, never a user's: it is returned as text so that tests and properties can name it.
"""

from __future__ import annotations

from isthmus.ir.action import Forward
from isthmus.ir.host import CATCH_ALL, HostConfig
from isthmus.ir.match import SegmentPrefix
from isthmus.ir.order import ordered


def violations(config: HostConfig) -> tuple[str, ...]:
    """What is wrong with a host; empty when all is well."""
    found: list[str] = []
    if config.host != config.host.lower():
        found.append("host is not in lower case")
    if "*" in config.host and config.host != CATCH_ALL and not config.host.startswith("*."):
        found.append("a wildcard stands for one whole first label only")
    if config.routes != ordered(config.routes):
        found.append("routes are not in order")
    if len({route.match for route in config.routes}) != len(config.routes):
        found.append("two routes match the same requests")
    for route in config.routes:
        path = route.match.path
        if not path.path.startswith("/"):
            found.append(f"path does not start with a slash: {path.path!r}")
        if isinstance(path, SegmentPrefix) and path.path != "/" and path.path.endswith("/"):
            found.append(f"an element prefix ends in a slash: {path.path!r}")
        if isinstance(route.action, Forward) and route.action.idle_timeout_ms <= 0:
            found.append(f"a stream without an idle limit: {path.path!r}")
    return tuple(found)
