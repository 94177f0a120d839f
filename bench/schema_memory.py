"""Memory of Envoy and of the control plane per 1,000 methods of a generated schema, asked of a server by reflection.

What a gateway with a schema of one method needs is taken off: the rest is what methods cost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.processes import Gateway, free_port, peak_rss_mib, rss_mib
from bench.row import Row
from bench.schema_servers import generated_server, until_served


def measure(quick: bool) -> Iterator[Row]:
    """MiB per 1,000 methods, and seconds until they are served."""
    methods = 1_000 if quick else 5_000
    small, large = _figures(1), _figures(methods)
    thousands = methods / 1_000
    yield Row(f"{methods:,} methods: start until REST serves the last", "s", (large[3],))
    yield Row(f"{methods:,} methods: Envoy", "MiB", (large[0],))
    yield Row(f"{methods:,} methods: control plane", "MiB", (large[1],))
    yield Row(f"{methods:,} methods: control plane, peak", "MiB", (large[2],))
    for index, name in enumerate(("Envoy", "control plane", "control plane, peak")):
        yield Row(f"per 1,000 methods: {name}", "MiB", ((large[index] - small[index]) / thousands,))


def _figures(methods: int) -> tuple[float, float, float, float]:
    port = free_port()
    with generated_server(port, methods):
        started = time.perf_counter()
        with Gateway([f"127.0.0.1:{port}", "--explorer-port", "0", "--concurrency", "1"]) as gateway:
            gateway.event("ready")
            until_served(gateway.http_port, f"/generated/m{methods - 1}/x")
            took = time.perf_counter() - started
            pid = gateway.control_plane
            return rss_mib(gateway.envoy), rss_mib(pid), peak_rss_mib(pid), took
