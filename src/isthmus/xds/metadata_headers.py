"""Which request headers of REST callers become gRPC metadata: a list of what may, everything else is kept out.

Envoy's transcoder passes every header on; a backend would then see browsers' cookies, cache headers and whatever a
client makes up. The rule is an expression that matches all names but the listed ones, because Envoy can remove what
matches and has no way to say "unless".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from isthmus.xds import api

# Always needed: the protocol's own. A name that ends in `*` is a prefix.
_OWN = (":*", "content-type", "te", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "host")
# What callers say to a service, whatever the service: credentials, explicit metadata, tracing.
PASSED = (
    "authorization",
    "grpc-metadata-*",
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-*",
    "x-request-id",
    "x-forwarded-for",
    "x-forwarded-proto",
    "user-agent",
)


def kept_out(also: Sequence[str], only: bool = False) -> api.Any:
    """The filter that removes every request header but the usual ones (unless `only`) and `also`."""
    usual = () if only else PASSED
    passed = sorted({*_OWN, *usual, *(name.lower() for name in also)})
    remove = {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": all_but(passed)}}}}
    return api.pack(api.HeaderMutationPerRoute(mutations={"request_mutations": [remove]}))


_FIRST, _LAST = 0x21, 0x7E  # visible ASCII: header names hold nothing else
_ANY = f"[\\x{_FIRST:02x}-\\x{_LAST:02x}]"


def all_but(names: Sequence[str]) -> str:
    """An RE2 expression for every text but these; one that ends in `*` stands for all that begin so."""
    exact = frozenset(name for name in names if not name.endswith("*"))
    prefixes = frozenset(name[:-1] for name in names if name.endswith("*"))
    return _from(exact, prefixes)


def _from(exact: frozenset[str], prefixes: frozenset[str]) -> str:
    """What may follow so that the whole is none of the names, as an expression."""
    letters = sorted({name[0] for name in (*exact, *prefixes) if name})
    branches = [f"{_others(letters)}{_ANY}*"]
    for letter in letters:
        below = (frozenset(n[1:] for n in names if n.startswith(letter)) for names in (exact, prefixes))
        deeper_exact, deeper_prefixes = below
        if "" in deeper_prefixes:
            continue
        branches.append(re.escape(letter) + _from(deeper_exact, deeper_prefixes))
    body = f"(?:{'|'.join(branches)})" if len(branches) > 1 else branches[0]
    return body if "" in exact else f"(?:{body})?"


def _others(letters: Sequence[str]) -> str:
    """A class of every character of a header's name but these, as ranges: small in RE2, unlike a negated class."""
    ranges, start = [], _FIRST
    for letter in [*letters, chr(_LAST + 1)]:
        if start < ord(letter):
            ranges.append(f"\\x{start:02x}-\\x{ord(letter) - 1:02x}")
        start = ord(letter) + 1
    return f"[{''.join(ranges)}]"
