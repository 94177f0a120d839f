"""What a running gateway says: one line of text for people, or one JSON object a line for programs."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

from isthmus.app.settings import Settings
from isthmus.kube.diagnostics import Diagnostic, Severity
from isthmus.kube.render import render_json, render_text

if TYPE_CHECKING:
    from isthmus.app.schema_keeper import Known

_MOST = 20  # findings that are printed in full at a time; `isthmus check` shows all


class Waiting(NamedTuple):
    """A server that is not up yet: why, for how long we have waited and how long we shall, in seconds."""

    server: str
    reason: str
    seconds: float
    limit: float


class Applied(NamedTuple):
    """A configuration that Envoy has taken; `milliseconds` since its cause was noticed."""

    version: str
    milliseconds: float
    resources: int


class Events:
    """Standard output carries what is asked for, standard error the findings (with JSON all goes to output)."""

    def __init__(self, output: str) -> None:
        self._json = output == "json"
        self._ready = False

    def worth_showing(self, found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
        """People see warnings and errors of a running gateway; programs see all."""
        return tuple(d for d in found if self._json or d.code.severity >= Severity.WARNING)

    def ready(self, settings: Settings, hosts: int, routes: int) -> None:
        """Traffic is answered."""
        self._ready = True
        host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
        http, https = f"{host}:{settings.http_port}", f"{host}:{settings.https_port}"
        if self._json:
            self._line({"event": "ready", "http": http, "https": https, "hosts": hosts, "routes": routes})
        elif not settings.targets:  # what bare servers offer is listed in full
            what = f"{counted(hosts, 'host')}, {counted(routes, 'route')}"
            _say(f"serving {what} on http {http} and https {https}", sys.stdout)

    def applied(self, applied: Applied, served: Callable[[], tuple[int, int]]) -> None:
        """Envoy has taken a configuration. People hear of those that they caused: what comes before `ready` is part
        of it. `served` counts hosts and routes."""
        if self._json:
            took = round(applied.milliseconds, 1)
            event = {"version": applied.version, "milliseconds": took, "resources": applied.resources}
            self._line({"event": "applied", **event})
        elif self._ready:
            hosts, routes = served()
            _say(f"live after {applied.milliseconds:.0f} ms: {counted(hosts, 'host')}, {counted(routes, 'route')}")

    def findings(self, found: Sequence[Diagnostic], resolved: Iterable[Diagnostic]) -> None:
        """Problems that came and went."""
        if self._json:
            for diagnostic in found:
                self._line({"event": "diagnostic", **render_json(diagnostic)})
            for diagnostic in resolved:
                self._line({"event": "resolved", **render_json(diagnostic)})
            return
        for diagnostic in found[:_MOST]:
            _say(render_text(diagnostic))
        if len(found) > _MOST:
            _say(f"... and {len(found) - _MOST} more: isthmus check shows all")
        for diagnostic in self.worth_showing(tuple(resolved)):
            _say(f"resolved {diagnostic.code.id}: {diagnostic.message} ({diagnostic.ref})")

    def error(self, message: str) -> None:
        """Something that ends the run."""
        if self._json:
            self._line({"event": "error", "message": message})
        else:
            _say(f"Error: {message}")

    def waiting(self, server: Waiting) -> None:
        """A server is not up yet."""
        if self._json:
            seconds = round(server.seconds, 1)
            self._line({"event": "waiting", "server": server.server, "message": server.reason, "seconds": seconds})
        else:
            _say(f"waiting for {server.server}: {server.reason} ({server.seconds:.0f} s of {server.limit:g} s)")

    def found(self, server: str, speaks: str) -> None:
        """A server is up."""
        if self._json:
            self._line({"event": "server", "server": server, "speaks": speaks})
        else:
            _say(f"{server} speaks {speaks}")

    def api(self, known: Known) -> None:
        """A schema has become known, has changed, or cannot be had."""
        server = known.name
        planned = known.planned
        if self._json:
            digest = planned.transcoding.digest if planned else ""
            self._line({"event": "api", "server": server, "state": known.state, "failing": known.failing,
                        "services": planned.services if planned else (), "schema": digest})  # fmt: skip
        elif known.failing:
            _say(f"{server}: {known.failing.removeprefix(f'{server}: ')}" + _meanwhile(known))
        elif planned is not None:
            what = f"{counted(len(planned.services), 'service')}, {counted(planned.methods, 'method')}"
            _say(f"{server}: {what} ({known.state})")
            for problem in planned.problems[:_MOST]:
                _say(f"{server}: {problem.kind}: {problem.where}: {problem.what}")

    def apis(self, settings: Settings, known: Iterable[Known]) -> None:
        """Everything is ready: what can be called, and how."""
        if not self._json:
            role = importlib.import_module("isthmus.app.api_text")  # for bare servers only
            _say(role.api_text(settings, known), sys.stdout)

    def _line(self, event: dict[str, object]) -> None:
        _say(json.dumps(event), sys.stdout)


def counted(number: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _meanwhile(known: Known) -> str:
    """What is served while a server cannot be asked."""
    if known.state == "tls" and known.bare and "certificate" in known.failing:
        return "; give --cacert FILE, --server-name NAME or --insecure"
    if known.planned is not None:
        return "; the last schema stays"
    if known.state == "unimplemented":
        return "; gRPC and gRPC-Web are served, for REST and Connect give --protoset FILE or --proto FILE"
    return ""


def _say(text: str, stream: TextIO | None = None) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or not this: no reason to stop serving
        stream = stream or sys.stderr
        stream.write(f"{text}\n")  # in one piece: the supervisor writes there too
        stream.flush()
