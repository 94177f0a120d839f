"""The process of the authorization helper: `python -m isthmus.app.authorization STATUS_FD`, started by the supervisor.

Its orders are the first line of standard input: where it and Envoy listen, and the folder of policies.
"""

from __future__ import annotations

import asyncio
import os
import sys

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read by gRPC when it is imported
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from isthmus.edge.authorization.server import Orders, Server
from isthmus.edge.helper_process import run


def _make(**orders: str) -> Server:
    return Server(Orders(**orders))


if __name__ == "__main__":
    sys.exit(asyncio.run(run("the authorization helper", _make, int(sys.argv[1]))))
