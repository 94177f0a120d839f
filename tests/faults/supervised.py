"""A supervisor over the stand-in control plane; its events come out as JSON lines.

supervised.py PORT UPSTREAM_PORT DRAIN_SECONDS [ENVOY_BOOTSTRAP]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from isthmus.edge.child import Child
from isthmus.edge.envoy_process import envoy_argv, find_envoy
from isthmus.edge.ports import Port
from isthmus.edge.runtime_dir import make_runtime_dir
from isthmus.edge.supervisor import Event, Plan, Supervisor
from isthmus.xds.bootstrap import bootstrap


def _print(event: Event) -> None:
    print(json.dumps(event._asdict()), flush=True)


def main(port: str, upstream: str, drain_seconds: float, given: str = "") -> int:
    runtime = make_runtime_dir()
    made = bootstrap(runtime.sockets, "test", max_heap_bytes=1 << 30)
    runtime.bootstrap.write_text(given or json.dumps(made))
    _print(Event("runtime", str(runtime.path)))
    stand_in = str(Path(__file__).with_name("stand_in_control_plane.py"))
    plan = Plan(
        control_plane=Child((sys.executable, stand_in, str(runtime.path), port, upstream), takes_status=True),
        envoy=envoy_argv(find_envoy(), runtime.bootstrap, concurrency=1),
        runtime=runtime,
        on_event=_print,
        ports=(Port("127.0.0.1", int(port)),) if int(port) else (),
        drain_seconds=drain_seconds,
    )
    return Supervisor(plan).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), *sys.argv[4:]))
