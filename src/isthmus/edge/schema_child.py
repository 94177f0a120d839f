"""The limited process of schema_process: one order in, one plan out.

It parses what a hostile server may have sent, and must then be free to fail: nothing else depends on it. Rule: it
limits itself before it reads a byte, and no more than the time that it was given passes before it is gone, whether or
not the process that started it still lives.
"""

from __future__ import annotations

import resource
import sys


def main() -> int:
    """Returns the exit code."""
    _limit(60, 2 * 1024 * 1024 * 1024)
    try:
        return _plan()
    except MemoryError:
        from isthmus.edge.schema_order import MEMORY  # noqa: PLC0415 - as below

        return MEMORY


def _limit(seconds: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _plan() -> int:
    import msgspec  # noqa: PLC0415 - the limits come first

    from isthmus.edge.schema_check import refusals  # noqa: PLC0415
    from isthmus.edge.schema_order import MAPPING, Order, Planned  # noqa: PLC0415
    from isthmus.schema import gateway, mapping, model, plan  # noqa: PLC0415

    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    _limit(order.seconds, order.memory)
    rules = mapping.parse_mapping(order.mapping.decode(errors="replace"), order.source) if order.mapping else None
    if rules is not None and rules.errors:
        print("\n".join(rules.errors))
        return MAPPING
    given = rules.rules if rules else None
    schema = plan.make_schema(order.raw, services=order.services, rules=given, check=refusals)
    schema = gateway.below(schema, order.prefix)
    answer = Planned(
        schema=model.encode(schema),
        transcoding=gateway.transcoding(schema),
        services=schema.services,
        rules=gateway.paths(schema),
        methods=len(schema.methods),
        problems=schema.problems,
    )
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
