"""What a gateway does about what Envoy refuses: tell whose objects it was made from, and keep it in mind.

A wildcard host is told of only when it is known to be the culprit, for all of them share a resource. Rule: what to
send instead is for the machines to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from isthmus.app.events import Events
from isthmus.app.remembered import Remembered
from isthmus.kube.diagnostics import Report
from isthmus.machines import codes
from isthmus.machines.ads import Rejected
from isthmus.machines.last_good import LastGood
from isthmus.machines.pipeline import Pipeline
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.standing import Standing
from isthmus.machines.wildcards import Judged
from isthmus.xds import names
from isthmus.xds.resources import SCOPE, Change


class Refusals:
    """Those of one gateway."""

    def __init__(self, pipeline: Pipeline, snapshot: Snapshot, remembered: Remembered, events: Events) -> None:
        self._pipeline = pipeline
        self._snapshot = snapshot
        self._remembered = remembered
        self._events = events

    def recall(self, before: LastGood) -> None:
        """Everything is in the snapshot: take up what a control plane before this one knew."""
        for refused in self._snapshot.remember(before.refused.values()):
            self._blame(refused.type_url, refused.name, refused.message)
        self._blame_hosts(self._pipeline.wild.standings())

    def heard(self, effect: Rejected) -> None:
        """Envoy refused a resource."""
        self._blame(effect.type_url, effect.name, effect.message)
        refused = self._snapshot.refusal(effect.type_url, effect.name)
        if refused is not None:
            self._remembered.refused(refused)

    def judge(self, publish: Callable[[Iterable[Change]], None]) -> None:
        """Let what Envoy has said so far count for the wildcard hosts."""
        while (judged := self._pipeline.wild.judged(self._snapshot)) != Judged():
            self._remembered.wildcards(judged.standings)
            self._blame_hosts(judged.blamed)
            if judged.changes:
                publish(judged.changes)

    def _blame(self, type_url: str, name: str, message: str) -> None:
        if type_url == SCOPE and names.scope_parts(name)[1] == names.WILD:
            return
        report = Report()
        for ref in self._pipeline.behind(type_url, name):
            report.add(codes.REJECTED, ref, resource=name, message=message)
        self._events.findings(report.all(), ())

    def _blame_hosts(self, standings: Iterable[Standing]) -> None:
        report = Report()
        for each in standings:
            for ref in each.behind:
                report.add(codes.REJECTED, ref, resource=f"{each.listener}/{each.host}", message=each.message)
        self._events.findings(report.all(), ())
