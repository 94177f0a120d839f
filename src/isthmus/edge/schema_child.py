"""The limited process of schema_process: one order in, one plan out. Sets its own limits before it reads a byte."""

from __future__ import annotations

import resource
import sys


def _limit(seconds: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def main() -> int:
    """Returns the exit code."""
    _limit(60, 2 * 1024 * 1024 * 1024)
    import msgspec  # noqa: PLC0415 - the limits come first

    from isthmus.edge.schema_order import MAPPING, Order, Planned  # noqa: PLC0415
    from isthmus.schema import gateway, mapping, model, plan  # noqa: PLC0415

    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    _limit(order.seconds, order.memory)
    rules = mapping.parse_mapping(order.mapping.decode(errors="replace"), order.source) if order.mapping else None
    if rules is not None and rules.errors:
        print("\n".join(rules.errors))
        return MAPPING
    schema = plan.make_schema(order.raw, services=order.services, rules=rules.rules if rules else None)
    schema = gateway.with_prefix(schema, order.prefix)
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
