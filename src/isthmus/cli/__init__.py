"""The command line: one file a verb, imported only when it is used.

Rule: Ctrl-C ends it with 130 and without a traceback, from the first of its own lines to the last of the interpreter's.
"""

from __future__ import annotations

try:
    import atexit
    import importlib
    import os
    import signal
    import sys
except KeyboardInterrupt:  # before `main` could say what is to happen then
    raise SystemExit(130) from None

INTERRUPTED = 130


def main() -> None:
    """Entry point. `run` starts its control plane before the command line is even read: that takes longest."""
    signal.signal(signal.SIGINT, at_once)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the exit code is settled by then
    control_plane = None
    if sys.argv[1:2] == ["run"] and not {"-h", "--help"} & set(sys.argv):
        control_plane = importlib.import_module("isthmus.edge.child").control_plane()
        control_plane.start()
    try:
        importlib.import_module("isthmus.cli.main").main(control_plane)
    finally:
        signal.signal(signal.SIGINT, at_once)
        if control_plane is not None:
            control_plane.stop(1.0)  # a command line that could not be read


def at_once(*_: object) -> None:
    """For Ctrl-C while there is nothing to put in order: what is raised amid imports comes out as something else."""
    os._exit(INTERRUPTED)


def in_order(*_: object) -> None:
    """For Ctrl-C while a verb works: it cleans up and ends. At the second time it ends at once."""
    signal.signal(signal.SIGINT, at_once)
    sys.unraisablehook = sys.excepthook = at_once  # where Python cannot pass the exit on, it would print it
    sys.exit(INTERRUPTED)
