"""One thread that waits for three things at once: signals, lines from pipes, and moments in time.

asyncio would do it for three times the memory and start-up time. May not know what the callbacks do. Rule:
nothing but `turn` blocks, and a callback runs only from within `turn`.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

Callback = Callable[[], None]
_CHUNK = 65_536


class Reactor:
    """Use it as a context; while it is open it owns the given signals of the process."""

    def __init__(self, signals: Sequence[signal.Signals], on_signal: Callable[[int], None]) -> None:
        self._signals = signals
        self._on_signal = on_signal
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, Callback]] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Reactor:
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        self._before_fd = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for each in self._signals:
            self._before[each] = signal.signal(each, _noted)
        self._selector.register(self._woken, selectors.EVENT_READ, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(self._before_fd)
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def after(self, seconds: float, callback: Callback) -> None:
        """Call it once, that much later."""
        self._timers.append((time.monotonic() + seconds, callback))

    def lines(self, pipe: int, on_line: Callable[[str], None]) -> Lines:
        """Call `on_line` for every line that comes out of the pipe, which is closed at its end."""
        lines = Lines(pipe, on_line, self._selector)
        self._selector.register(pipe, selectors.EVENT_READ, lines.read)
        return lines

    def turn(self) -> None:
        """Wait for the next thing to happen, and let it happen."""
        due = min((when for when, _ in self._timers), default=None)
        timeout = None if due is None else max(0.0, due - time.monotonic())
        for key, _ in self._selector.select(timeout):
            key.data()
        now = time.monotonic()
        ripe = [callback for when, callback in self._timers if when <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for callback in ripe:
            callback()

    def _signalled(self) -> None:
        for number in dict.fromkeys(self._woken.recv(_CHUNK)):
            self._on_signal(number)


class Lines:
    """A pipe that is read line by line without blocking."""

    def __init__(self, pipe: int, on_line: Callable[[str], None], selector: selectors.BaseSelector) -> None:
        os.set_blocking(pipe, False)
        self._pipe: int | None = pipe
        self._on_line = on_line
        self._selector = selector
        self._rest = b""

    def read(self) -> None:
        """Take all that is there now."""
        while self._pipe is not None:
            try:
                chunk = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                return
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            if not chunk or len(self._rest) > _CHUNK:
                whole, self._rest = [*whole, self._rest], b""
            for line in whole:
                if line:
                    self._on_line(line.decode(errors="replace"))
            if not chunk:
                self._selector.unregister(self._pipe)
                os.close(self._pipe)
                self._pipe = None


def _noted(number: int, frame: FrameType | None) -> None:
    """The signal's number is already in the wake-up socket; this only keeps the default from happening."""
