"""Whether two Location headers lead to the same place, although two gateways at different addresses wrote them.

A redirect is resolved against what the client asked for; the gateway's own address and its port count as the host that
was asked. Rule: a difference that a client of the real host name would see is a difference.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from isthmus.replay.answer import DEFAULT_PORTS, Base
from isthmus.replay.request import Recorded


class Asked(NamedTuple):
    """Where a request went: the address that took it, and all addresses of that gateway."""

    base: Base
    bases: tuple[Base, ...]


def same_location(request: Recorded, old: tuple[str, Asked], new: tuple[str, Asked]) -> bool:
    """Whether both Locations lead to the same place."""
    one, other = (_normal(request, *each) for each in (old, new))
    if one is None or other is None:
        return old[0] == new[0]
    if one == other:
        return True
    # Asked over http here and https there: staying on one's own scheme is the same answer.
    stays = [found.scheme == asked.base.scheme for found, (_, asked) in ((one, old), (other, new))]
    return all(stays) and one._replace(scheme="") == other._replace(scheme="")


def _normal(request: Recorded, location: str, asked: Asked) -> SplitResult | None:
    base = asked.base
    host = request.host or base.authority
    try:
        found = urlsplit(urljoin(f"{base.scheme}://{host}{request.target}", location.strip()))
        name, port = found.hostname or "", found.port
    except ValueError:
        return None
    scheme = found.scheme.lower()
    own = {each.port for each in asked.bases if each.scheme == scheme} | {DEFAULT_PORTS.get(scheme)}
    hosts = {each.host for each in asked.bases} | {_name(host)}
    if name in hosts:
        return found._replace(
            scheme=scheme, netloc="" if port is None or port in own else f":{port}", path=found.path or "/"
        )
    shown = name if port in (None, DEFAULT_PORTS.get(scheme)) else f"{name}:{port}"
    return found._replace(scheme=scheme, netloc=shown, path=found.path or "/")


def _name(host: str) -> str:
    return (urlsplit(f"//{host}").hostname or "").lower()


def shown(location: str) -> str:
    """A Location for people: without a password in it."""
    try:
        found = urlsplit(location)
        if "@" not in found.netloc:
            return location
        return urlunsplit(found._replace(netloc="***@" + found.netloc.rpartition("@")[2]))
    except ValueError:
        return location
