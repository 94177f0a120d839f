"""The process that the supervisor starts: `python -m isthmus.app.control_plane STATUS_FD`.

Its orders are the first line of standard input: {"runtime": FOLDER, "settings": {...}}. It listens for Envoy before
it imports the rest, so that Envoy starts meanwhile; nothing is answered until the manifests are loaded.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path

gc.disable()  # until the manifests are loaded: until then nothing becomes garbage
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read by gRPC when it is imported

from isthmus.edge.ads_server import AdsServer
from isthmus.machines.ads import Effect
from isthmus.machines.snapshot import Snapshot


async def _run(status: int) -> int:
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:  # what comes later is not ours to read
        orders = json.loads(stdin.readline() or "null")
    if orders is None:
        return 0  # the supervisor has gone
    runtime = Path(orders["runtime"])
    snapshot, effects = Snapshot(), asyncio.Queue[Effect]()
    server = AdsServer(snapshot, str(runtime / "ads.sock"), effects.put_nowait)
    await server.start()
    os.write(status, b"ads\n")
    role = importlib.import_module("isthmus.app.gateway")
    wiring = role.Wiring(runtime, status, snapshot, server, effects)
    code: int = await role.Gateway(wiring, orders["settings"]).run()
    return code


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    sys.exit(asyncio.run(_run(int(sys.argv[1]))))
