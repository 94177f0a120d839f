"""Manifests to xDS without a gateway: what `check`, `explain`, `routes` and `translate` look at.

The same pipeline as the running gateway, run once over the files.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from isthmus.app.settings import Settings
from isthmus.dialects import DIALECTS
from isthmus.dialects.dialect import Options
from isthmus.dialects.services import unused_addresses
from isthmus.edge.files import load
from isthmus.ir.listener import HTTP, HTTPS, Listener
from isthmus.kube.diagnostics import Diagnostic, Effect
from isthmus.kube.positions import Positions
from isthmus.kube.refs import FieldPath, ObjectRef, SourcePos
from isthmus.kube.store import Store
from isthmus.machines.pipeline import Pipeline
from isthmus.machines.snapshot import Snapshot
from isthmus.xds.listeners import Edge


def make_pipeline(settings: Settings, secret: str = "") -> Pipeline:
    """The pipeline for some settings, with nothing in it yet. `secret` is one that a running gateway has."""
    options = Options(
        now=datetime.datetime.now(datetime.UTC),
        classes=settings.classes,
        http_port=settings.http_port,
        https_port=settings.https_port,
        allow_external_name=settings.allow_external_name,
        controller_config=settings.controller_config,
        without=frozenset(settings.without),
    )
    listeners = [Listener(HTTP, settings.bind, settings.http_port)]
    if not settings.targets:  # bare servers bring no certificates along
        listeners.append(Listener(HTTPS, settings.bind, settings.https_port, tls=True))
    # A gRPC server has no paths to protect: an escaped slash is part of a value there.
    edge = Edge(
        underscores=settings.underscores,
        escaped_slashes="keep" if settings.targets else "redirect",
        trusted_hops=settings.trusted_hops,
        secret=secret,
        access_log=settings.access_log,
    )
    return Pipeline(Store(settings.addresses), DIALECTS, options, listeners, edge)


class Offline:
    """Everything that is known about a set of manifests. Raises FilesError where a path does not exist."""

    def __init__(self, settings: Settings, stdin: bytes | None = None) -> None:
        loaded = load(settings.paths, stdin)
        self.pipeline = make_pipeline(settings)
        self._translated = self.pipeline.memo.apply(loaded.objects)
        self.texts = loaded.texts
        self._positions = Positions(loaded.texts)
        self._loaded = loaded.diagnostics

    @functools.cached_property
    def snapshot(self) -> Snapshot:
        """What Envoy would get; made when somebody asks, because that is most of the work."""
        snapshot = Snapshot()
        snapshot.apply((*self.pipeline.start(), *self.pipeline.emit(self._translated).changes))
        return snapshot

    @property
    def store(self) -> Store:
        """The objects."""
        return self.pipeline.memo.store

    @property
    def unread(self) -> tuple[Diagnostic, ...]:
        """The findings about what was not read, so that nothing can be said about it."""
        return tuple(each for each in self._loaded if each.code.effect in (Effect.DROP, Effect.UNREAD))

    def findings(self) -> tuple[Diagnostic, ...]:
        """All findings, worst first; those that translation made are without their places, which take time to find."""
        memo = self.pipeline.memo
        found = (*self._loaded, *unused_addresses(self.store, memo.endpoints), *memo.diagnostics())
        return tuple(sorted(found, key=lambda d: d.sort_key))

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings with their places, worst first."""
        return positioned(self.findings(), self.store, self._positions)

    def place(self, ref: ObjectRef, path: FieldPath) -> SourcePos | None:
        """Where a field of an object stands."""
        obj = self.store.get(ref)
        return self._positions.of(obj.source, path) if obj is not None and obj.source is not None else None


def positioned(found: Iterable[Diagnostic], store: Store, positions: Positions) -> tuple[Diagnostic, ...]:
    """The findings with the file, line and column of their fields, where the objects came from files."""
    return tuple(_positioned(diagnostic, store, positions) for diagnostic in found)


def _positioned(diagnostic: Diagnostic, store: Store, positions: Positions) -> Diagnostic:
    obj = store.get(diagnostic.ref)
    if diagnostic.pos is not None or obj is None or obj.source is None:
        return diagnostic
    return replace(diagnostic, pos=positions.of(obj.source, diagnostic.path))


def at_least(found: Sequence[Diagnostic], severity: int) -> tuple[Diagnostic, ...]:
    """The findings of a severity or worse."""
    return tuple(diagnostic for diagnostic in found if diagnostic.code.severity >= severity)
