"""The limited process of schema_process: one order in, one plan out.

It parses what a hostile server may have sent, and must then be free to fail: nothing else depends on it. Rule: it
limits itself before it reads a byte, and no more than the time that it was given passes before it is gone, whether or
not the process that started it still lives.
"""

from __future__ import annotations

import os
import resource
import sys
from types import TracebackType


def main() -> int:
    """Returns the exit code."""
    sys.excepthook = _say
    _limit(60, 2 * 1024 * 1024 * 1024)
    try:
        return _plan()
    except MemoryError:
        from isthmus.edge.schema_order import MEMORY  # noqa: PLC0415 - as below

        return MEMORY


def _say(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """A bug of ours: its name goes to whoever waits for the plan."""
    sys.stdout.buffer.write(f"{kind.__name__}: {error}".encode(errors="replace"))


def _limit(seconds: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU, and SIGKILL if that does not do
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _plan() -> int:
    import msgspec  # noqa: PLC0415 - the limits come first

    from isthmus.edge.schema_check import refusals  # noqa: PLC0415
    from isthmus.edge.schema_lines import lines_of  # noqa: PLC0415
    from isthmus.edge.schema_order import MAPPING, Order, Planned  # noqa: PLC0415
    from isthmus.schema import gateway, mapping, model, plan  # noqa: PLC0415

    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    _limit(order.seconds, order.memory)
    rules = mapping.parse_mapping(order.mapping, order.source) if order.mapping else mapping.Mapping({})
    if rules.errors:
        sys.stdout.buffer.write("\n".join(rules.errors).encode())
        return MAPPING
    schema = plan.make_schema(order.raw, rules=rules.rules, check=refusals)
    schema = gateway.below(schema, order.prefix)
    answer = Planned(
        schema=model.encode(schema),
        transcoding=gateway.transcoding(schema),
        services=schema.services,
        rules=gateway.paths(schema),
        methods=len(schema.methods),
        problems=schema.problems,
        lines=lines_of(schema),
    )
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # protobuf's runtime has been seen to crash while an interpreter is taken down
