"""The services of examples/grpc/echo.proto: they say what they were asked, in the words of rust-grpc-proxy's tests.

`GET [test-server]---> request=hello query=666`. Which metadata arrived is to be seen in the answer's metadata.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from isthmus.edge.upstreams.grpc_server import Answer, Call, GrpcServer, service_handler
from isthmus.edge.upstreams.process import Flag, PemFiles, main
from isthmus.edge.upstreams.proto_source import ProtoSource, compile_example
from isthmus.edge.upstreams.reflection_service import VERSIONS, reflection_handlers

REPLICA = "test-server"
SERVICES = ("proto.EchoService", "proto.GreetService")


@functools.cache
def compiled() -> ProtoSource:
    """The schema. Raises OSError."""
    return ProtoSource(compile_example("echo.proto"))


def start(
    host: str = "127.0.0.1",
    port: int = 0,
    replica: str = REPLICA,
    tls: PemFiles | None = None,
    *,
    reflection: str = "both",
) -> GrpcServer:
    """Serve in threads of this process; `reflection` is one of VERSIONS. Raises OSError."""
    source = ProtoSource(compiled().files)  # reflection adds itself to the pool
    answers = _answers(source)
    server = GrpcServer(
        host,
        replica,
        (
            *(service_handler(source.pool.FindServiceByName(name), answers, replica) for name in SERVICES),
            *reflection_handlers(source.pool, SERVICES, reflection, source.files),
        ),
    )
    server.listen(port, tls)
    return server


def _answers(source: ProtoSource) -> dict[str, Answer]:
    echoed, greeted = source.message("proto.EchoGetResponse"), source.message("proto.GreetGetResponse")

    def echo_get(request: Any, call: Call) -> Any:
        return echoed(response=f"GET [{call.replica}]---> request={request.request} query={request.query}")

    def echo_post(request: Any, call: Call) -> Any:
        return echoed(response=f"POST [{call.replica}]---> request={request.request} query={request.query}")

    def greet_get(request: Any, call: Call) -> Any:
        return greeted(response=f"Get [{call.replica}]---> request={request.request} query={request.content}")

    return {"EchoGet": echo_get, "EchoPost": echo_post, "GreetGet": greet_get}


if __name__ == "__main__":
    sys.exit(main(start, REPLICA, flags=(Flag("reflection", VERSIONS, "which versions of server reflection it has"),)))
