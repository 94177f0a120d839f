"""The process that the supervisor starts: `python -m isthmus.app.control_plane RUNTIME_DIR STATUS_FD`.

It listens for Envoy before it imports the rest, so that Envoy starts meanwhile: nothing is answered until the
gateway has loaded its manifests.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read by gRPC when it is imported

from isthmus.edge.ads_server import AdsServer
from isthmus.machines.ads import Effect
from isthmus.machines.snapshot import Snapshot


async def _run(runtime: Path, status: int) -> int:
    snapshot, effects = Snapshot(), asyncio.Queue[Effect]()
    server = AdsServer(snapshot, str(runtime / "ads.sock"), effects.put_nowait)
    await server.start()
    os.write(status, b"ads\n")
    gateway = importlib.import_module("isthmus.app.gateway")
    code: int = await gateway.Gateway(gateway.Wiring(runtime, status, snapshot, server, effects)).run()
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(Path(sys.argv[1]), int(sys.argv[2]))))
