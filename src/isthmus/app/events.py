"""What a running gateway says: one line of text for people, or one JSON object a line for programs."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from isthmus.app.settings import Settings
from isthmus.kube.diagnostics import Diagnostic, Severity
from isthmus.kube.render import render_json, render_text

_MOST = 20  # findings that are printed in full at a time; `isthmus check` shows all


class Events:
    """Standard output carries what is asked for, standard error the findings (with JSON all goes to output)."""

    def __init__(self, output: str) -> None:
        self._json = output == "json"

    def worth_showing(self, found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
        """People see warnings and errors of a running gateway; programs see all."""
        return tuple(d for d in found if self._json or d.code.severity >= Severity.WARNING)

    def ready(self, settings: Settings, hosts: int, routes: int) -> None:
        """Traffic is answered."""
        host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
        http, https = f"{host}:{settings.http_port}", f"{host}:{settings.https_port}"
        if self._json:
            self._line({"event": "ready", "http": http, "https": https, "hosts": hosts, "routes": routes})
        else:
            _say(f"serving {hosts} hosts, {routes} routes on http {http} and https {https}", sys.stdout)

    def applied(self, version: str, milliseconds: float, resources: int) -> None:
        """Envoy has taken a configuration."""
        if self._json:
            took = round(milliseconds, 1)
            self._line({"event": "applied", "version": version, "milliseconds": took, "resources": resources})
        else:
            _say(f"applied {version}: {resources} resources in {milliseconds:.0f} ms")

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

    def _line(self, event: dict[str, object]) -> None:
        _say(json.dumps(event), sys.stdout)


def _say(text: str, stream: TextIO | None = None) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or not this: no reason to stop serving
        print(text, file=stream or sys.stderr, flush=True)
