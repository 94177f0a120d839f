"""Which requests a route takes: one path rule, and optionally a gRPC-only restriction.

Paths are as sent, percent-decoding and dot segments already normalised by the listener, without the query.
"""

from __future__ import annotations

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
    """An RE2 expression for the whole path; `path` is the text that every path it takes begins with."""

    path: str
    regex: str


PathMatch = Exact | SegmentPrefix | Prefix | Pattern


class Match(Struct, frozen=True, gc=False):
    """A request matches when all parts do. `grpc` restricts to requests whose content-type is application/grpc*."""

    path: PathMatch
    grpc: bool = False
