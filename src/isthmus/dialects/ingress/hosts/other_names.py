"""Hosts that an Ingress claims without a rule: aliases of its hosts, and the same names with or without www.

Rule: a host of somebody's rules beats an alias, an alias beats a redirect from or to www, and of several of a kind
the oldest object's counts. Source: ingress-nginx, createServers, buildRedirects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from isthmus.dialects.dialect import Parts
from isthmus.dialects.ingress.host_names import is_host
from isthmus.dialects.ingress.nginx.canary import CANARY
from isthmus.dialects.ingress.nginx.server_alias import ALIAS
from isthmus.dialects.ingress.nginx.www import WWW
from isthmus.ir.host import CATCH_ALL, is_wild
from isthmus.kube.objects import Ingress

KEYS = (ALIAS, WWW)
_LONGEST = 65_536  # characters of a value that are looked at
_TRUE = frozenset({"1", "t", "true"})


def claimed(ingress: Ingress, hosts: Iterable[str]) -> Mapping[str, Parts]:
    """The other names of the hosts of an Ingress. A canary has none, and of several hosts the first gets an alias."""
    given = ingress.metadata.annotations
    own = sorted(host for host in hosts if host != CATCH_ALL)
    if not own or _is_true(given.get(CANARY)):
        return {}
    found: dict[str, Parts] = {}
    if _is_true(given.get(WWW)):
        for host in own:
            other = www_of(host)
            if other:
                found.setdefault(other, Parts(of=host, redirects=True))
    for alias in aliases(given.get(ALIAS, "")):
        found[alias] = Parts(of=own[0])
    return found


def aliases(text: str) -> tuple[str, ...]:
    """The host names in a comma-separated list; what is none is left out."""
    names = (part.strip().lower() for part in text[:_LONGEST].split(","))
    return tuple(dict.fromkeys(name for name in names if is_host(name)))


def www_of(host: str) -> str:
    """The host with www in front or, where it has that, without; empty where there is none."""
    if is_wild(host):
        return ""
    other = host[4:] if host.startswith("www.") else f"www.{host}"
    return other if is_host(other) else ""


def _is_true(value: str | None) -> bool:
    return (value or "").strip().lower() in _TRUE
