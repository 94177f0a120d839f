"""The library's server as a process whose reflection can be silenced: silent_library.py PORT [SCHEMA].

Lines on standard input: `silent`, after which reflection hears every question and answers none, and `answer`. It ends
with its standard input.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import grpc

from isthmus.edge.upstreams import library
from isthmus.edge.upstreams.reflection_service import reflection_handlers


class _Silent(grpc.GenericRpcHandler):
    def __init__(self, inner: grpc.GenericRpcHandler, may_answer: threading.Event) -> None:
        self._inner, self._may_answer = inner, may_answer

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        found = self._inner.service(details)
        if found is None:
            return None

        def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            self._may_answer.wait()
            yield from found.stream_stream(requests, context)

        return grpc.stream_stream_rpc_method_handler(answer, found.request_deserializer, found.response_serializer)


def main(port: str, schema: str = "v1") -> None:
    may_answer = threading.Event()
    may_answer.set()

    def handlers(*given: Any) -> Iterable[grpc.GenericRpcHandler]:
        return [_Silent(each, may_answer) for each in reflection_handlers(*given)]

    library.reflection_handlers = handlers  # type: ignore[assignment]
    server = library.start(port=int(port), schema=schema)
    print(server.address, flush=True)
    for line in sys.stdin:
        if line == "silent\n":
            may_answer.clear()
        else:
            may_answer.set()
        print(line, end="", flush=True)
    may_answer.set()
    server.stop(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
