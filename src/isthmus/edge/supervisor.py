"""Owns Envoy and the control plane: starts both, starts again what ends, and drains before it stops.

Envoy ends with the process that spawned it, so this one is too small to fail: one thread, no protobuf, no gRPC,
nothing of the configuration. Rule: a control plane that ends never touches Envoy.

The control plane is started as `COMMAND STATUS_FD`. It writes `ads` there once Envoy can connect, `ready` once
requests are answered, and the name of a helper once that is needed; its standard input brings its orders, then `envoy
PID` and `HELPER ready` lines, and ends when the supervisor is gone. Helpers (the adapter, the explorer, the
authorization) are started likewise, hear of every `envoy PID`, and write `ready`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from isthmus.edge.child import Child, how_ended
from isthmus.edge.envoy_process import last_words, severe
from isthmus.edge.ports import Port, preflight
from isthmus.edge.reactor import Lines, Reactor
from isthmus.edge.runtime_dir import RuntimeDir

if TYPE_CHECKING:
    from isthmus.edge.envoy_admin import EnvoyAdmin

CANNOT_SERVE = 3
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_LOOK_SECONDS = 0.05  # between two questions to Envoy's admin interface, which offers nothing to wait for
_QUIET_SECONDS = 0.5  # no request for so long: the connections that are left are idle
_STOP_SECONDS = 2.0  # for a process to end when asked, before it is made to


class Event(NamedTuple):
    """Something to tell the user; `pid` is the process that it is about, 0 for none.

    Kinds: control-plane-started, control-plane-ended, envoy-started, envoy-live, envoy-ended, envoy-log,
    helper-started, helper-live, helper-ended, draining, stopped, error.
    """

    kind: str
    message: str
    pid: int = 0


class Plan(NamedTuple):
    """What to run. The control plane may run already, because it takes longest to be ready.

    The folder is removed at the end; the ports are looked at before anything else is started. `helpers` are other
    processes by name, each started when the control plane asks for it and then kept running.
    """

    control_plane: Child
    envoy: tuple[str, ...]
    runtime: RuntimeDir
    on_event: Callable[[Event], None]
    ports: tuple[Port, ...] = ()
    drain_seconds: float = 5.0
    helpers: Mapping[str, Child] = MappingProxyType({})


class Supervisor:
    """One run, from the main thread."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._control_plane = plan.control_plane
        self._envoy = Child(plan.envoy)
        self._envoy_log: deque[str] = deque(maxlen=50)
        self._envoy_lines: Lines | None = None
        self._reactor = Reactor(_SIGNALS, self._on_signal)
        self._was_ready = self._was_live = False
        self._had_terminal = _terminal()
        self._drain_until = self._last_busy = 0.0  # 0: not draining
        self._exit_code: int | None = None
        self._ready_helpers: set[str] = set()

    def run(self) -> int:
        """Returns 0 once stopped, 3 if it cannot serve, 128 + N if cut short, or what the control plane ended with."""
        try:
            if problems := [problem for port in self._plan.ports if (problem := preflight(port))]:
                return self._give_up("\n".join(dict.fromkeys(problems)))
            _raise_file_limit()
            with self._reactor:
                try:
                    self._start_control_plane()
                    while self._exit_code is None:
                        self._reactor.turn()
                finally:
                    self._envoy.stop(_STOP_SECONDS)
                    for each in (self._control_plane, *self._plan.helpers.values()):
                        each.stop(_STOP_SECONDS)
            return self._exit_code
        finally:
            self._plan.runtime.remove()

    @cached_property
    def _admin(self) -> EnvoyAdmin:
        # http.client takes 20 ms to import: first needed when the control plane is on its way.
        from isthmus.edge.envoy_admin import EnvoyAdmin  # noqa: PLC0415

        return EnvoyAdmin(self._plan.runtime.sockets.admin)

    def _say(self, kind: str, message: str, pid: int = 0) -> None:
        with contextlib.suppress(OSError):  # nobody reads any more: no reason to end the traffic
            self._plan.on_event(Event(kind, message, pid))

    def _give_up(self, message: str) -> int:
        self._say("error", message)
        self._exit_code = CANNOT_SERVE
        return CANNOT_SERVE

    def _launch(self, child: Child, on_line: Callable[[str], None], again: Callable[[], None]) -> Lines | None:
        """Start a child, unless it runs already, and hear what it says; where the system cannot, do so later."""
        try:
            if not child.pid:
                child.start()
        except OSError as error:
            self._say("error", f"a process cannot be started: {error}")
            self._reactor.after(child.pause(), again)
            return None
        child.give_orders()
        return self._reactor.lines(child.take_pipe(), on_line)

    # The control plane

    def _start_control_plane(self) -> None:
        if self._stopping:
            return
        if self._launch(self._control_plane, self._on_status, self._start_control_plane):
            self._say("control-plane-started", "the control plane starts", self._control_plane.pid)
            if self._envoy.pid:
                self._control_plane.tell(f"envoy {self._envoy.pid}")

    def _on_status(self, line: str) -> None:
        if line == "ads" and not self._envoy.pid and not self._was_live:
            self._start_envoy()
        elif line == "ready":
            self._was_ready = self._was_live = True
        elif line in self._plan.helpers:
            self._start_helper(line)

    def _control_plane_ended(self, code: int) -> None:
        if self._stopping:
            return
        if code > 0 and not self._was_ready:
            self._exit_code = code  # it has said why: bad input, not bad luck
            return
        self._say("control-plane-ended", f"the control plane ended ({how_ended(code)}) and is started again")
        self._reactor.after(self._control_plane.pause(), self._start_control_plane)

    # Helpers

    def _start_helper(self, name: str) -> None:
        child = self._plan.helpers[name]

        def on_line(line: str) -> None:
            if line == "ready":
                self._ready_helpers.add(name)
                self._say("helper-live", f"the {name} answers", child.pid)
                self._control_plane.tell(f"{name} ready")

        if name in self._ready_helpers:
            self._control_plane.tell(f"{name} ready")  # a new control plane does not know yet
            return
        if not self._stopping and not child.pid and self._launch(child, on_line, lambda: self._start_helper(name)):
            self._say("helper-started", f"the {name} starts", child.pid)

    def _helper_ended(self, name: str, code: int) -> None:
        self._ready_helpers.discard(name)
        if not self._stopping:
            self._say("helper-ended", f"the {name} ended ({how_ended(code)}) and is started again")
            self._reactor.after(self._plan.helpers[name].pause(), lambda: self._start_helper(name))

    # Envoy

    def _start_envoy(self) -> None:
        if self._stopping:
            return
        self._envoy_log.clear()
        self._envoy_lines = self._launch(self._envoy, self._on_log, self._start_envoy)
        if self._envoy_lines:
            pid = self._envoy.pid
            self._say("envoy-started", "Envoy starts", pid)
            for each in (self._control_plane, *self._plan.helpers.values()):
                each.tell(f"envoy {pid}")
            self._look_for_life(pid, time.monotonic())
        elif not self._was_live:
            self._exit_code = CANNOT_SERVE

    def _look_for_life(self, pid: int, since: float) -> None:
        if self._envoy.pid != pid or self._stopping:
            return
        if self._admin.ready():
            self._was_live = True
            self._say("envoy-live", f"Envoy answers after {(time.monotonic() - since) * 1000:.0f} ms", pid)
        else:
            self._reactor.after(_LOOK_SECONDS, lambda: self._look_for_life(pid, since))

    def _on_log(self, line: str) -> None:
        self._envoy_log.append(line)
        if severe(line) and self._was_live:
            self._say("envoy-log", f"Envoy: {line}", self._envoy.pid)

    def _envoy_ended(self, code: int) -> None:
        if self._envoy_lines:
            self._envoy_lines.read()
        words = last_words(self._envoy_log)
        if self._stopping:
            self._exit_code = 0 if self._exit_code is None else self._exit_code
        elif not self._was_live:
            self._give_up(f"Envoy cannot serve ({how_ended(code)}); it said:\n{words or 'nothing'}")
        else:
            said = f"; it said:\n{words}" if words else ""
            self._say("envoy-ended", f"Envoy ended ({how_ended(code)}) and is started again{said}")
            self._reactor.after(self._envoy.pause(), self._start_envoy)

    # Signals and the end

    @property
    def _stopping(self) -> bool:
        return bool(self._drain_until) or self._exit_code is not None

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            if (code := self._control_plane.ended()) is not None:
                self._control_plane_ended(code)
            if (code := self._envoy.ended()) is not None:
                self._envoy_ended(code)
            for name, child in self._plan.helpers.items():
                if (code := child.ended()) is not None:
                    self._helper_ended(name, code)
        elif number == signal.SIGHUP and _terminal() == self._had_terminal:
            self._control_plane.signal(signal.SIGHUP)  # read everything again
        elif self._drain_until:
            self._exit_code = 128 + number
        else:
            self._drain()

    def _drain(self) -> None:
        """Refuse new connections, ask clients to go, and wait for what is under way."""
        self._last_busy = time.monotonic()
        self._drain_until = self._last_busy + self._plan.drain_seconds
        self._say("draining", f"stopping: up to {self._plan.drain_seconds:g} s for requests under way")
        if self._admin.drain():
            self._look_for_quiet()
        else:
            self._exit_code = 0

    def _look_for_quiet(self) -> None:
        if self._exit_code is not None:
            return
        now = time.monotonic()
        work = self._admin.open_work()
        if work.requests:
            self._last_busy = now
        if not work.connections or now - self._last_busy > _QUIET_SECONDS or now > self._drain_until:
            self._exit_code = 0
        else:
            self._reactor.after(_LOOK_SECONDS, self._look_for_quiet)


def _raise_file_limit() -> None:
    """Every connection is two files for Envoy; the usual soft limit of 1,024 would be its first bottleneck."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _terminal() -> bool:
    """Whether there is one. A SIGHUP after it is gone says so, and is not the wish to reload."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
