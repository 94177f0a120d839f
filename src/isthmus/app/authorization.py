"""The process of the authorization helper: `python -m isthmus.app.authorization STATUS_FD`, started by the supervisor.

Its orders are the first line of standard input, as edge.authorization.process reads them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read by gRPC when it is imported
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from isthmus.edge.authorization.process import main


def _tell_ready() -> None:
    with contextlib.suppress(OSError):
        os.write(int(sys.argv[1]), b"ready\n")


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_tell_ready)))
