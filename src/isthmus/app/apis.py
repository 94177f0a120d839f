"""The APIs of a gateway: which schemas are wanted, what becomes of them, and where other processes find them.

Between the pipeline (which knows the backends), the schema keeper (which asks the servers) and the adapter and
explorer (which read the files written here). Rules: a schema that cannot be had costs its own backend only, and no
route leads to an adapter that has never answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from isthmus.app.left_behind import LeftBehind
from isthmus.app.schema_keeper import Known, SchemaKeeper, Source
from isthmus.app.settings import Offering
from isthmus.edge.grpc_client.channels import Target
from isthmus.edge.runtime_dir import CATALOG, SCHEMAS
from isthmus.edge.whole_file import write_whole
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.machines.pipeline import Pipeline
from isthmus.xds import names
from isthmus.xds.resources import Change


class Apis:
    """One gateway's APIs. `publish` takes resource changes; `tell` hears of each API that becomes known or fails."""

    def __init__(
        self,
        runtime: Path,
        public_url: str,
        pipeline: Pipeline,
        publish: Callable[[Iterable[Change]], None],
        tell: Callable[[Known], None],
    ) -> None:
        self._folder = runtime / SCHEMAS
        self._catalog = runtime / CATALOG
        self._pipeline = pipeline
        self._publish = publish
        self._tell = tell
        self._sources: dict[ServicePortRef, Source] = {}
        self._told = b""
        self._public_url = public_url
        self.answering = False
        self._waiting: dict[ServicePortRef, Known] = {}  # for the adapter
        self.keeper = SchemaKeeper(self._known)
        self._left_behind = LeftBehind(runtime)
        self._recall()

    def _recall(self) -> None:
        """What Envoy serves by, if there was a control plane before this one: routes keep their schemas."""
        found = self._left_behind.schemas()
        self.keeper.recall(found)
        self._pipeline.plan({known.port: known.planned.transcoding for known in found if known.planned is not None})

    def adapter_answers(self) -> None:
        """Routes may lead to the adapter from now on; should it end, it is started again and they stay."""
        self.answering = True
        waiting, self._waiting = self._waiting, {}
        for port, known in waiting.items():
            if port in self.keeper.known:  # else it is wanted no more
                self._known(known)

    def give(self, port: ServicePortRef, source: Source) -> None:
        """Where the schema of a bare server comes from; those of manifests are asked at their endpoints."""
        self._sources[port] = source

    def refresh(self) -> None:
        """Follow the pipeline: ask for the schemas that are wanted now."""
        wanted = {port: self._source(port, backend) for port, backend in self._pipeline.apis().items()}
        wanted |= self._sources  # a bare server may have no route before its schema is known
        self.keeper.want({port: source for port, source in wanted.items() if source is not None})
        gone = [port for port in self._pipeline.planned if port not in wanted]
        if gone:
            self._left_behind.forget_schemas(gone)
            self._publish(self._pipeline.plan(dict.fromkeys(gone)).changes)
        self.write_catalog()

    def _source(self, port: ServicePortRef, backend: Backend) -> Source | None:
        given = self._sources.get(port)
        if given is not None:
            return given
        if backend.dns:
            return Source(Target(f"{backend.dns}:{port.port}", tls=backend.tls, insecure=backend.tls))
        endpoints = self._pipeline.memo.endpoints.get(port)
        if endpoints is None or not endpoints.addresses:
            return None
        first = endpoints.addresses[0]
        host = f"[{first.ip}]" if ":" in first.ip else first.ip
        return Source(Target(f"{host}:{first.port}", tls=backend.tls, insecure=backend.tls))

    def _known(self, known: Known) -> None:
        planned = known.planned
        if planned is not None and not self.answering:
            self._waiting[known.port] = known
            return
        if planned is not None and self._pipeline.planned.get(known.port) != planned.transcoding:
            self._write(f"{planned.transcoding.digest}.msgpack", planned.schema)
            self._left_behind.keep_schema(known)
            self._publish(self._pipeline.plan({known.port: planned.transcoding}).changes)
        self._tell(known)  # which may give it its routes
        self.write_catalog()

    def write_catalog(self) -> None:
        """What the explorer shows: the servers, their schemas and how they are."""
        backends = self._pipeline.apis()
        upstreams = [
            {
                "name": known.name,
                "cluster": names.cluster(backends[port]),
                "digest": known.planned.transcoding.digest if known.planned else "",
                "state": known.state,
                "failing": known.failing,
                "since": known.since,
            }
            for port, known in sorted(self.keeper.known.items())
            if port in backends  # else nobody can call it yet
        ]
        body = json.dumps({"public_url": self._public_url, "upstreams": upstreams}).encode()
        if body != self._told:
            self._told = body
            write_whole(self._catalog, body)

    def _write(self, name: str, body: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._folder / name, body)


def given_descriptors(offering: Offering) -> tuple[bytes, ...]:
    """The descriptors that the user gave as files. Raises ProtoError."""
    from isthmus.edge.proto_files import compile_protos, read_protoset  # noqa: PLC0415 - only where files are given

    raw = read_protoset(offering.protosets) if offering.protosets else ()
    compiled = compile_protos(offering.protos, offering.import_paths) if offering.protos else ()
    return (*raw, *compiled)
