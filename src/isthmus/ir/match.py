"""Which requests a route takes: one path rule, and optionally a gRPC-only restriction.

Paths are as sent, percent-decoding and dot segments already normalised by the listener, without the query.
"""

from __future__ import annotations

import enum
from typing import Literal

from msgspec import Struct


class Exact(Struct, frozen=True, tag="exact", gc=False):
    """The whole path, byte for byte."""

    path: str


class SegmentPrefix(Struct, frozen=True, tag="segments", gc=False):
    """Whole path elements: `/a` takes `/a`, `/a/` and `/a/b`, not `/ab`. No trailing slash, except `/` for all."""

    path: str


class Prefix(Struct, frozen=True, tag="prefix", gc=False):
    """Plain text prefix: `/a` takes `/ab` too. nginx's `location /a`."""

    path: str


class Pattern(Struct, frozen=True, tag="pattern", gc=False):
    """An RE2 expression for the whole path; `path` is the text that every path it takes begins with.

    `written` is the expression for decoded paths that it was made of, where that is another one; it is what counts
    in their order.
    """

    path: str
    regex: str
    written: str = ""

    @property
    def shown(self) -> str:
        """The expression as people know it."""
        return self.written or self.regex


PathMatch = Exact | SegmentPrefix | Prefix | Pattern


class Condition(Struct, frozen=True, gc=False):
    """What a header or a cookie must be: `value` exactly or, with `regex`, an RE2 expression for the whole value.

    An absent one meets no condition, except a negated one.
    """

    source: Literal["header", "cookie"]
    name: str
    value: str
    regex: bool = False
    negated: bool = False


class Shown(enum.Enum):
    """What a client showed of itself in its handshake."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"  # a certificate that is not trusted
    NOTHING = "nothing"


class Match(Struct, frozen=True, gc=False):
    """A request matches when all parts do. `grpc` restricts to requests whose content-type is application/grpc*.

    `certificate` restricts to connections whose client showed that. Of routes with the same path the one with the
    lower `turn` is tried first.
    """

    path: PathMatch
    grpc: bool = False
    conditions: tuple[Condition, ...] = ()
    certificate: Shown | None = None
    turn: int = 0
