"""The policies that the control plane has written, read when a request first names one.

A file never changes: its name is the digest of what it holds, which is checked. Rule: the policies used last stay
loaded, no more; one that is not there, or not what it was, is None.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from isthmus.edge.authorization import keys
from isthmus.ir.authorization import Authorization, decode, digest_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST = 1_024
_DIGEST = re.compile("[0-9a-f]{32}")


class Policy(NamedTuple):
    """A policy, ready for use."""

    authorization: Authorization
    users: Mapping[str, str]
    allow: tuple[Network, ...] | None
    deny: tuple[Network, ...]
    keys: tuple[keys.Key, ...]


def prepare(authorization: Authorization) -> Policy:
    """Do once what every request needs. Raises ValueError for a range that is none."""
    allow, basic, jwt = authorization.allow, authorization.basic, authorization.jwt
    return Policy(
        authorization,
        dict(basic.users) if basic else {},
        None if allow is None else tuple(map(ipaddress.ip_network, allow)),
        tuple(map(ipaddress.ip_network, authorization.deny)),
        keys.load(jwt) if jwt else (),
    )


class Policies:
    """What was read, by digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: OrderedDict[str, Policy] = OrderedDict()

    async def load(self, digest: str) -> Policy | None:
        """The policy of that name; None where there is none that can be trusted."""
        found = self._loaded.get(digest)
        if found is not None:
            self._loaded.move_to_end(digest)
            return found
        found = await asyncio.to_thread(_read, self._folder, digest)
        if found is not None:
            self._loaded[digest] = found
            if len(self._loaded) > _MOST:
                self._loaded.popitem(last=False)
        return found


def _read(folder: Path, digest: str) -> Policy | None:
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        body = (folder / f"{digest}.json").read_bytes()
        return prepare(decode(body)) if digest_of(body) == digest else None
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
