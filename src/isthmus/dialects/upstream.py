"""A bare gRPC server, named by its address: the dialect of `isthmus run HOST:PORT`.

All of them share the catch-all host. One alone takes every path; several share the paths by the services and HTTP
rules of their schemas, the earlier one first, and what nobody claims goes to the first. Knows nothing of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from isthmus.dialects import codes
from isthmus.dialects.dialect import Claim, Claims, Options, Parts, Translation
from isthmus.ir.action import Forward
from isthmus.ir.backend import Backend, Protocol, ServicePortRef, Trust
from isthmus.ir.host import CATCH_ALL, HostConfig, Origin, Route
from isthmus.ir.listener import HTTP
from isthmus.ir.match import Match, PathMatch, Pattern, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.ir.transcoding import Api
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Base, Meta, ref_of
from isthmus.kube.store import Lookup

NAMESPACE = "upstream"
_IDLE_MS = 3_600_000  # nobody has asked for less, and streams are often quiet


class Paths(Struct, frozen=True, gc=False):
    """What a schema says: the gRPC services, and the HTTP rules as (literal start, RE2 expression)."""

    services: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()


class Upstream(Base, frozen=True, kw_only=True):
    """A gRPC server. `metadata.name` is HOST:PORT, `order` its place on the command line.

    `dns` is a name that Envoy resolves itself; without one the addresses are given by hand. `paths` is empty until
    the schema is known.
    """

    host: str
    port: int
    order: int = 0
    tls: Trust | None = None
    dns: str = ""
    api: Api = Api()
    paths: Paths = Paths()


def upstream_ref(host: str, port: int) -> ServicePortRef:
    """How an upstream's endpoints and cluster are named."""
    return ServicePortRef(NAMESPACE, host, port)


def upstream(host: str, port: int, order: int) -> Upstream:
    """An upstream of which nothing is known yet."""
    return Upstream(metadata=Meta(name=f"{host}:{port}"), host=host, port=port, order=order)


class UpstreamDialect:
    """Bare gRPC servers."""

    kinds: tuple[str, ...] = ("Upstream",)

    def claims(self, obj: Base, look: Lookup, options: Options) -> Claims:
        """Every upstream is on the catch-all host."""
        return Claims({CATCH_ALL: Parts()})

    def translate(self, host: str, claims: Sequence[Claim], look: Lookup, options: Options) -> Translation:
        """All upstreams, on the HTTP listener."""
        report = Report()
        found = sorted((c.obj for c in claims if isinstance(c.obj, Upstream)), key=lambda each: each.order)
        taken: dict[PathMatch, Route] = {}
        for each in found:
            for path in _paths(each, alone=len(found) == 1):
                route = _route(each, path)
                winner = taken.setdefault(path, route)
                if winner is not route:
                    name = path.regex if isinstance(path, Pattern) else path.path
                    report.add(codes.UPSTREAM_CLASH, ref_of(each), path=name, winner=winner.origin.ref.name)
        return Translation(
            hosts=(HostConfig(HTTP, host, ordered(taken.values())),),
            services=tuple(sorted(upstream_ref(each.host, each.port) for each in found if not each.dns)),
            diagnostics=report.all(),
        )


def _paths(each: Upstream, alone: bool) -> list[PathMatch]:
    everything: list[PathMatch] = [SegmentPrefix("/")] if alone or each.order == 0 else []
    if alone:
        return everything
    services: list[PathMatch] = [SegmentPrefix(f"/{service}") for service in each.paths.services]
    rules: list[PathMatch] = [Pattern(start, regex) for start, regex in each.paths.rules]
    return [*services, *rules, *everything]


def _route(each: Upstream, path: PathMatch) -> Route:
    backend = Backend(
        service=upstream_ref(each.host, each.port),
        protocol=Protocol.HTTP2,
        tls=each.tls is not None,
        trust=each.tls,
        dns=each.dns,
    )
    action = Forward(backend, idle_timeout_ms=_IDLE_MS, websocket=False, api=each.api)
    return Route(Match(path), action, Origin(ref_of(each)))
