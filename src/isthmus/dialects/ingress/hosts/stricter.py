"""Two rules of one namespace claim one path: the older one answers, and what the other asks of requests counts too.

An author who splits one application over two objects means the path to be guarded, whichever of them is older. Rule:
what cannot be had together closes the path. Another namespace's rule changes nothing: nobody may close another's path.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from msgspec.structs import asdict, replace

from isthmus.dialects.ingress.hosts.rules import Rule
from isthmus.ir.action import Forward, Respond
from isthmus.ir.authorization import Authorization
from isthmus.ir.policy import ConcurrencyLimit, Policy, SourceRanges

_MOST_PAIRS = 1_000_000  # of ranges that are compared


def stricter(winner: Rule, loser: Rule) -> Rule:
    """The winner, with what the loser asks of requests."""
    if winner.origin.ref.namespace != loser.origin.ref.namespace or not isinstance(winner.action, Forward):
        return winner
    policy = None if loser.closed else _both(winner.policy, loser.policy)
    if policy is None:
        reason = f"{winner.origin.ref} and {loser.origin.ref} ask for what cannot be had together; see their findings"
        return replace(winner, action=Respond(503, reason), closed=True)
    return replace(winner, policy=policy)


def _both(winner: Policy, loser: Policy) -> Policy | None:
    sources = _ranges(winner.sources, loser.sources)
    authorization = _authorization(winner.authorization, loser.authorization)
    if isinstance(sources, str) or isinstance(authorization, str):
        return None
    speeds = [speed for speed in (winner.answer_bytes_per_s, loser.answer_bytes_per_s) if speed]
    return replace(
        winner,
        sources=sources,
        authorization=authorization,
        limits=tuple(dict.fromkeys((*winner.limits, *loser.limits))),
        concurrency=_concurrency(winner.concurrency, loser.concurrency),
        answer_bytes_per_s=min(speeds, default=0),
    )


def _ranges(winner: SourceRanges | None, loser: SourceRanges | None) -> SourceRanges | str | None:
    if winner is None or loser is None or winner == loser:
        return winner or loser
    deny = tuple(dict.fromkeys((*winner.deny, *loser.deny)))
    if winner.allow is None or loser.allow is None or winner.allow == loser.allow:
        return SourceRanges(loser.allow if winner.allow is None else winner.allow, deny)
    if len(winner.allow) * len(loser.allow) > _MOST_PAIRS:
        return "too many"
    return SourceRanges(_common(winner.allow, loser.allow), deny)


def _common(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The ranges that are within one of both."""
    networks = [(ipaddress.ip_network(each, strict=False), each) for each in some]
    found: dict[str, None] = {}
    for text in others:
        other = ipaddress.ip_network(text, strict=False)
        for network, each in networks:
            if network.version == other.version and network.overlaps(other):
                found[each if network.prefixlen >= other.prefixlen else text] = None
    return tuple(found)


def _concurrency(winner: ConcurrencyLimit | None, loser: ConcurrencyLimit | None) -> ConcurrencyLimit | None:
    """A route has one such limit: the lower one, for all but those whom both spare."""
    if winner is None or loser is None:
        return winner or loser
    spared = frozenset(loser.exempt)
    exempt = tuple(each for each in winner.exempt if each in spared)
    return replace(min(winner, loser, key=lambda each: each.requests), exempt=exempt)


def _authorization(winner: Authorization | None, loser: Authorization | None) -> Authorization | str | None:
    if winner is None or loser is None or replace(loser, place=winner.place) == winner:
        return winner or loser
    if winner.any_of or loser.any_of:
        return "one way of several is another thing than all of them"
    found = asdict(winner)
    nothing = asdict(Authorization(winner.place))
    for name, value in asdict(loser).items():
        if name == "place" or value in (nothing[name], found[name]):
            continue
        if found[name] != nothing[name]:
            return "two answers to one question"
        found[name] = value
    return Authorization(**found)
