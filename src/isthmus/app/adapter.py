"""The process of the adapter: `python -m isthmus.app.adapter STATUS_FD`, started by the supervisor.

Its orders are the first line of standard input: where it and Envoy listen, and the folder of schemas.
"""

from __future__ import annotations

import asyncio
import os
import sys

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read by gRPC when it is imported
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from isthmus.edge.adapter.server import Adapter, Orders
from isthmus.edge.helper_process import run


def _make(**orders: str) -> Adapter:
    return Adapter(Orders(**orders))


if __name__ == "__main__":
    sys.exit(asyncio.run(run("the adapter", _make, int(sys.argv[1]))))
