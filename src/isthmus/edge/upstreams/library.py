"""The services of examples/grpc/library.proto and trials.proto: a realistic API with an HTTP rule of every form.

State is in memory and the same at every start. `schema="v2"` serves the next version of the same API: one more field,
one more method, one more rule; so that a change of schema can be tried by starting again on the same port.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import any_pb2
from google.rpc import status_pb2

from isthmus.edge.upstreams.books.catalogue import Catalogue
from isthmus.edge.upstreams.books.shelves import RefusedError, Shelves
from isthmus.edge.upstreams.books.texts import Texts
from isthmus.edge.upstreams.books.trials import Trials
from isthmus.edge.upstreams.books.versions import VERSIONS as SCHEMAS
from isthmus.edge.upstreams.books.versions import version
from isthmus.edge.upstreams.grpc_server import Answer, Call, GrpcServer, service_handler
from isthmus.edge.upstreams.process import Flag, PemFiles, main
from isthmus.edge.upstreams.proto_source import ProtoSource, compile_example
from isthmus.edge.upstreams.reflection_service import VERSIONS, reflection_handlers

REPLICA = "library-1"
SERVICES = ("library.v1.LibraryService", "library.v1.TrialService")


@functools.cache
def compiled(schema: str = "v1") -> ProtoSource:
    """A version of the schema, v1 or v2. Raises OSError."""
    return ProtoSource(version(compile_example("trials.proto"), schema))


def start(
    host: str = "127.0.0.1",
    port: int = 0,
    replica: str = REPLICA,
    tls: PemFiles | None = None,
    *,
    reflection: str = "both",
    schema: str = "v1",
) -> GrpcServer:
    """Serve in threads of this process; `reflection` is one of VERSIONS, `schema` is v1 or v2. Raises OSError."""
    source = ProtoSource(compiled(schema).files)  # reflection adds itself to the pool
    answers = _answers(source)
    services = (source.pool.FindServiceByName(name) for name in SERVICES)
    server = GrpcServer(
        host,
        replica,
        (
            *(service_handler(service, answers, replica) for service in services),
            *reflection_handlers(source.pool, SERVICES, reflection, source.files),
        ),
    )
    server.listen(port, tls)
    return server


def _answers(source: ProtoSource) -> dict[str, Answer]:
    shelves = Shelves(source)
    found = {**Catalogue(source, shelves).answers(), **Texts(source, shelves).answers(), **Trials(source).answers()}
    streams = {
        method.name
        for name in SERVICES
        for method in source.pool.FindServiceByName(name).methods
        if method.server_streaming
    }
    return {name: (_many if name in streams else _one)(answer) for name, answer in found.items()}


def _one(answer: Callable[[Any, Call], Any]) -> Answer:
    def ask(request: Any, call: Call) -> Any:
        try:
            return answer(request, call)
        except RefusedError as refused:
            call.fail(refused.code, refused.message, _details(refused))

    return ask


def _many(answer: Callable[[Any, Call], Iterator[Any]]) -> Answer:
    def ask(request: Any, call: Call) -> Iterator[Any]:
        try:
            yield from answer(request, call)
        except RefusedError as refused:
            call.fail(refused.code, refused.message, _details(refused))

    return ask


def _details(refused: RefusedError) -> bytes:
    """google.rpc.Status, as the `grpc-status-details-bin` trailer wants it; nothing where there are no details."""
    if not refused.details:
        return b""
    packed = [detail if isinstance(detail, any_pb2.Any) else _packed(detail) for detail in refused.details]
    status = status_pb2.Status(code=refused.code, message=refused.message, details=packed)
    return bytes(status.SerializeToString())


def _packed(detail: Any) -> any_pb2.Any:
    """By hand: the types belong to different pools."""
    return any_pb2.Any(type_url=f"type.googleapis.com/{detail.DESCRIPTOR.full_name}", value=detail.SerializeToString())


if __name__ == "__main__":
    own = (
        Flag("reflection", VERSIONS, "which versions of server reflection it has"),
        Flag("schema", SCHEMAS, "which version of the API it serves"),
    )
    sys.exit(main(start, REPLICA, flags=own))
