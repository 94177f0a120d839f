"""Bare gRPC servers: waits for each to come up, finds out how it is to be spoken to, and says so to the pipeline.

May not know what becomes of it. Rule: a server that is not up yet holds up nobody but itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from isthmus.app.apis import Apis, given_descriptors
from isthmus.app.events import Events, Waiting
from isthmus.app.left_behind import Found, LeftBehind
from isthmus.app.schema_keeper import Known, Source
from isthmus.app.settings import Offering, Settings, Target
from isthmus.dialects.upstream import Paths, Upstream, upstream, upstream_ref
from isthmus.edge.grpc_client import channels
from isthmus.edge.grpc_client.probe import Probe, Speaks, probe
from isthmus.edge.proto_files import ProtoError
from isthmus.ir.backend import ServicePortRef, Trust
from isthmus.ir.transcoding import Api
from isthmus.machines.pipeline import Pipeline
from isthmus.xds.resources import Change

_PAUSE_SECONDS = 0.2
_REMINDER_SECONDS = 60.0  # the most between two lines about a server that is waited for
_PATIENCE_SECONDS = 5.0  # for something that listens and does not speak as a gRPC server does


class ServerError(Exception):
    """A server did not come up in time, or is no gRPC server."""


class Servers:
    """All bare servers of one gateway."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        publish: Callable[[Iterable[Change]], None],
        events: Events,
        left_behind: LeftBehind,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._publish = publish
        self._events = events
        self._left_behind = left_behind
        self._found: dict[ServicePortRef, Found] = {}
        self._upstreams: dict[ServicePortRef, Upstream] = {}
        self._settled: set[ServicePortRef] = set()

    @property
    def complete(self) -> bool:
        """Whether each is up, and its schema known or known not to be had."""
        return self._settled == {upstream_ref(each.host, each.port) for each in self._settings.targets}

    def recall(self, apis: Apis) -> None:
        """Serve what a control plane before this one had found, whether or not it answers now: Envoy does so too."""
        self._found = self._left_behind.servers()
        for port, found in self._found.items():
            self._bring_in(port, found)
            known = apis.keeper.known.get(port)
            if known is not None:
                self.known(known)

    def _bring_in(self, port: ServicePortRef, found: Found) -> None:
        self._upstreams[port] = found.upstream
        self._pipeline.memo.store.addresses[port.namespace, port.service, port.port] = found.addresses
        self._apply(found.upstream)

    async def serve(self, apis: Apis) -> None:
        """Bring each in as it comes up, then go on for ever. Raises ServerError."""
        offering = self._settings.offering
        try:
            raw = given_descriptors(offering)
            mapping = Path(offering.mapping).read_bytes() if offering.mapping else b""
        except (ProtoError, OSError) as error:
            raise ServerError(str(error)) from None

        async def bring(order: int, target: Target) -> None:
            port = upstream_ref(target.host, target.port)
            found = self._found.get(port)
            if found is None:
                found = await find(target, order, offering, self._events.waiting)
                self._left_behind.keep_server(port, found)
                self._bring_in(port, found)
            self._events.found(target.name, found.said)
            apis.give(port, Source(found.target, raw, mapping, offering.mapping, target.prefix))
            apis.refresh()

        await asyncio.gather(*(bring(order, target) for order, target in enumerate(self._settings.targets)))
        await asyncio.Event().wait()

    def known(self, known: Known) -> None:
        """A server's schema has become known, or cannot be had; where several share the port, it says who gets what."""
        if known.planned is not None or known.failing:
            self._settled.add(known.port)
        if known.planned is not None and len(self._settings.targets) > 1:
            paths = Paths(known.planned.services, known.planned.rules)
            self._upstreams[known.port] = replace(self._upstreams[known.port], paths=paths)
            self._apply(self._upstreams[known.port])

    def _apply(self, changed: Upstream) -> None:
        update = self._pipeline.apply((changed,))
        self._events.findings(update.found, update.resolved)
        self._publish(update.changes)


async def find(target: Target, order: int, offering: Offering, waiting: Callable[[Waiting], None]) -> Found:
    """Wait for a server and find out what it speaks. Raises ServerError."""
    started = time.monotonic()
    told, again = "", 0.0
    while True:
        found = await probe(target.host, target.port, server_name=offering.server_name)
        problem = _problem(target, found)
        if problem is None:
            return _found(target, order, offering, found)
        waited = time.monotonic() - started
        hopeless = "speaks" in problem or (found.speaks is Speaks.UNKNOWN and waited > _PATIENCE_SECONDS)
        if hopeless or waited > offering.wait_seconds:
            spent = f" (waited {waited:.0f} s; --wait says how long)" if waited > 1 else ""
            raise ServerError(f"{target.name}: {problem}{spent}")
        if problem != told or waited >= again:
            waiting(Waiting(target.name, problem, waited, offering.wait_seconds))
            told, again = problem, waited + min(max(waited, _PATIENCE_SECONDS), _REMINDER_SECONDS)
        await asyncio.sleep(_PAUSE_SECONDS)


def _problem(target: Target, found: Probe) -> str | None:
    """Why a server cannot be used now; None when it can."""
    if found.speaks is Speaks.CLEARTEXT:
        said = f"it speaks cleartext, not TLS: give {target.name} without https:// and TLS options"
        return said if target.tls == "on" else None
    if found.speaks is Speaks.TLS:
        if target.tls == "off":
            return "it speaks TLS, not cleartext: leave --plaintext out"
        lacks = found.address and found.alpn != "h2"
        return "it speaks TLS without HTTP/2 (ALPN h2), which gRPC needs" if lacks else None
    return found.reason or "it does not answer"


def _found(target: Target, order: int, offering: Offering, found: Probe) -> Found:
    tls = found.speaks is Speaks.TLS
    name = offering.server_name or target.host
    trust: Trust | None = None
    if tls:
        ca = "" if offering.insecure else offering.ca or channels.authorities()
        trust = Trust(ca=ca, name=name, chain=offering.cert, key=offering.key)
    local = target.host == "localhost" or _is_ip(target.host)
    made = replace(
        upstream(target.host, target.port, order),
        tls=trust,
        dns="" if local else target.host,
        api=Api(
            origins=offering.origins,
            preserve_names=offering.preserve_names,
            emit_defaults=offering.emit_defaults,
            pass_headers=offering.headers,
            only_headers=offering.only_headers,
            lenient=offering.lenient,
            answer_headers=offering.answer_headers,
        ),
    )
    asked = channels.Target(
        address=target.name,
        tls=tls,
        insecure=tls and offering.insecure,
        ca=offering.ca,
        cert=offering.cert,
        key=offering.key,
        server_name=offering.server_name,
    )
    return Found(made, ((found.address, target.port),) if local else (), asked, found.speaks.value)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
