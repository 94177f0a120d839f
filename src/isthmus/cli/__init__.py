"""The command line: one file a verb, imported only when it is used."""

from __future__ import annotations

import importlib
import signal
import sys

INTERRUPTED = 130


def main() -> None:
    """Entry point. `run` starts its control plane before the command line is even read: that takes longest."""
    signal.signal(signal.SIGINT, lambda *_: sys.exit(INTERRUPTED))
    control_plane = None
    if sys.argv[1:2] == ["run"] and not {"-h", "--help"} & set(sys.argv):
        control_plane = importlib.import_module("isthmus.edge.child").control_plane()
        control_plane.start()
    try:
        importlib.import_module("isthmus.cli.main").main(control_plane)
    finally:
        if control_plane is not None:
            control_plane.stop(1.0)  # a command line that could not be read
