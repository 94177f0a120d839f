"""nginx's `allow` and `deny`, of which the first that fits counts, as one SourceRanges.

Pure arithmetic on ranges: what an earlier rule has settled is taken out of the later ones.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from isthmus.ir.policy import SourceRanges

_MOST = 1_000  # ranges
_RANGE = re.compile(r"[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?")

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_N = TypeVar("_N", ipaddress.IPv4Network, ipaddress.IPv6Network)


class Rule(Struct, frozen=True, gc=False):
    """`allow` or `deny`, and whom: an address, a range, or `all`."""

    allow: bool
    source: str


def sources(rules: Sequence[Rule]) -> SourceRanges | str:
    """What the rules come to; or the reason why they cannot be read. Whom none names may come."""
    settled: list[_Network] = []
    found: dict[bool, list[_Network]] = {True: [], False: []}
    for rule in rules:
        if rule.source == "all":  # what comes after it never counts
            return _all(rule.allow, found)
        network = _network(rule.source)
        if network is None:
            return f"{rule.source[:60]} is neither an address, a range, nor all"
        new = _without(network, settled)
        settled += new
        found[rule.allow] += new
        if len(settled) > _MOST:
            return f"the ranges overlap so that they fall into more than {_MOST} parts"
    return _all(True, found)


def _all(allow: bool, found: Mapping[bool, Sequence[_Network]]) -> SourceRanges:
    return SourceRanges(deny=_written(found[False])) if allow else SourceRanges(allow=_written(found[True]))


def _network(source: str) -> _Network | None:
    try:
        return ipaddress.ip_network(source, strict=False) if _RANGE.fullmatch(source) else None
    except ValueError:
        return None


def _without(network: _Network, settled: Sequence[_Network]) -> list[_Network]:
    left = [network]
    for each in settled:
        left = [part for one in left for part in _difference(one, each)]
    return left


def _difference(network: _Network, other: _Network) -> Iterator[_Network]:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return _left(network, other)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return _left(network, other)
    return iter([network])


def _left(network: _N, other: _N) -> Iterator[_N]:
    if not network.overlaps(other):
        yield network
    elif other.prefixlen > network.prefixlen:
        yield from network.address_exclude(other)


def _written(networks: Sequence[_Network]) -> tuple[str, ...]:
    four = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    joined = (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))
    return tuple(str(each) for each in joined)
