"""A server as a program: one line when it listens, a graceful end on SIGTERM, Ctrl-C or the end of standard input.

May not know what is served. The rule: nothing outlives the parent that asked for --exit-with-stdin.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

_STOP = (signal.SIGTERM, signal.SIGINT)
PemFiles = tuple[str, str]  # paths: certificate chain, private key


class Server(Protocol):
    """A server that runs: `address` is HOST:PORT; `stop` lets running requests finish."""

    @property
    def address(self) -> str: ...

    def stop(self) -> None: ...


class Flag(NamedTuple):
    """An option that one server has: `--name`, one of `choices`, of which the first is the default."""

    name: str
    choices: tuple[str, ...]
    help: str


# start(host, port, replica, tls, **flags); port 0 takes a free one. Raises OSError with a readable message.
Start = Callable[..., Server]


def main(start: Start, replica: str, argv: Sequence[str] | None = None, flags: Sequence[Flag] = ()) -> int:
    """Run one server until it is told to stop; returns the exit code. `flags` are handed to `start` by name."""
    given = _arguments(replica, argv, flags)
    # Waited for, not handled: a handler that sets an Event deadlocks where it interrupts that Event's own wait().
    # Blocked before any thread starts, because threads inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        tls = (given.tls_cert, given.tls_key) if given.tls_cert else None
        own = {flag.name: getattr(given, flag.name) for flag in flags}
        server = start(given.host, given.port, given.replica, tls, **own)
    except OSError as error:
        print(f"Error: cannot serve on {given.host}:{given.port}: {error}", file=sys.stderr)
        return 3
    try:
        print(f"listening {server.address}", flush=True)
    except BrokenPipeError:  # whoever wanted it has gone meanwhile
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would try once more at its end
        os.kill(os.getpid(), signal.SIGTERM)
    if given.exit_with_stdin:
        threading.Thread(target=_await_end_of_input, daemon=True).start()
    signal.sigwait(_STOP)
    server.stop()
    return 0


def _await_end_of_input() -> None:
    """Unbuffered reads: a thread inside a buffered one would hold its lock while Python shuts down."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:
        while stdin.read(4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _arguments(replica: str, argv: Sequence[str] | None, flags: Sequence[Flag]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Prints `listening HOST:PORT` when it is ready.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free port")
    parser.add_argument("--replica", default=replica, help="the name that it answers with")
    parser.add_argument("--tls-cert", default="", metavar="FILE", help="PEM certificate chain")
    parser.add_argument("--tls-key", default="", metavar="FILE", help="PEM private key")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop at the end of standard input")
    for flag in flags:
        parser.add_argument(f"--{flag.name}", choices=flag.choices, default=flag.choices[0], help=flag.help)
    given = parser.parse_args(argv)
    if bool(given.tls_cert) != bool(given.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    return given
