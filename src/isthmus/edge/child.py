"""A process that is to be kept running: start, end, and how long to wait before it is started again.

May not know which process it is or why it ended. Rule: a child is in a session of its own, so that the
terminal's Ctrl-C reaches the supervisor alone, which then ends everything in order; and none outlives it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_STEADY_SECONDS = 10.0  # a child that lived for this long has not failed for the reason before


class Child:
    """At most one running process of one command line."""

    def __init__(self, argv: Sequence[str], takes_status: bool = False, orders: str = "") -> None:
        self._argv = argv
        self.orders = orders  # a line that it is told each time that it starts
        self._takes_status = takes_status
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._pipe = -1

    @property
    def pid(self) -> int:
        """0 where it does not run."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Run it; `take_pipe` gives what it says. Raises OSError.

        One that takes a status pipe gets its number as last argument, and a standard input that ends when this
        process does; for any other the pipe is its standard error. To be called from the main thread, with which
        it dies.
        """
        self._started = time.monotonic()
        ours, pipe = os.pipe()
        try:
            self._run(pipe)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(pipe)
        self._pipe = ours

    def take_pipe(self) -> int:
        """The end of the pipe on which it is heard; the caller's to close from now on."""
        pipe, self._pipe = self._pipe, -1
        return pipe

    def _run(self, pipe: int) -> None:
        self._process = subprocess.Popen(
            [*self._argv, str(pipe)] if self._takes_status else self._argv,
            stdin=subprocess.PIPE if self._takes_status else subprocess.DEVNULL,
            stderr=None if self._takes_status else pipe,
            pass_fds=(pipe,) if self._takes_status else (),
            start_new_session=True,
            preexec_fn=_dies_with(os.getpid()),  # safe in a process of one thread
        )

    def give_orders(self) -> None:
        """Tell it its orders, once it has started."""
        if self.orders:
            self.tell(self.orders)

    def tell(self, line: str) -> None:
        """Write a line to its standard input; one that is gone or does not listen misses it."""
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()

    def ended(self) -> int | None:
        """Once after it has ended its exit code, negative for a signal; else None."""
        code = self._process.poll() if self._process else None
        if code is not None:
            self._forget()
        return code

    def pause(self) -> float:
        """Seconds to wait before it is started again: longer each time that it ended soon."""
        if time.monotonic() - self._started > _STEADY_SECONDS:
            self._pause = _FIRST_PAUSE
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        return pause

    def signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self._process:
            self._process.send_signal(number)

    def stop(self, seconds: float) -> None:
        """Ask it to end, wait that long, then make it."""
        if not self._process:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _forget(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process = None
        if self._pipe >= 0:
            os.close(self.take_pipe())


def _dies_with(parent: int) -> Callable[[], None]:
    """Have the kernel end the child when its parent is gone, also by SIGKILL (prctl(2); Linux only).

    Envoy asks for that itself only with hot restart, which leaves files in shared memory.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl  # looked up here: as little as possible after the fork

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # gone before it was asked
            os._exit(1)

    return ask


def control_plane() -> Child:
    """The control plane; its orders are the folder and the settings, as app.control_plane reads them."""
    return Child((sys.executable, "-m", "isthmus.app.control_plane"), takes_status=True)


def how_ended(code: int) -> str:
    """`exit code 1` or `SIGKILL`."""
    try:
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
