"""The authorization helper as the gateway sees it: started when it is first needed, told policies, waited for.

May not know what a policy says. Rules: a policy is written before Envoy hears of it; and paths that are served already
shall not be refused while the helper starts, so changes wait for it, but not for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from isthmus.app.policies import Policies
from isthmus.edge.runtime_dir import POLICIES
from isthmus.machines.pipeline import Pipeline
from isthmus.xds.resources import Change

_PATIENCE_SECONDS = 5.0  # an Envoy without its new configuration is worse than some requests refused


class Authorizer:
    """`start` has the supervisor start the helper; `tell` hears of policies that cannot be written."""

    def __init__(self, runtime: Path, start: Callable[[], object], tell: Callable[[str], None]) -> None:
        self._policies = Policies(runtime / POLICIES)
        self._start = start
        self._tell = tell
        self._answers: bool | None = None  # None: nobody needs it
        self._held: list[tuple[tuple[Change, ...], float]] | None = None  # changes that wait for it

    @property
    def complete(self) -> bool:
        """Whether it answers, if anybody needs it."""
        return self._answers is not False

    def follow(self, pipeline: Pipeline, let_go: Callable[[], None] | None) -> None:
        """Give it the policies that are wanted now; with `let_go`, begin to hold changes back where it must start."""
        try:
            self._policies.want(pipeline.authorizations())
        except OSError as error:
            self._tell(f"policies cannot be written, and their paths answer 503: {error}")
        if pipeline.needs_helper and self._answers is None:
            self._answers = False
            self._start()
            if let_go is not None:
                self._held = []
                asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, let_go)

    def holds(self, changes: Iterable[Change], since: float) -> bool:
        """Whether changes have to wait; they are kept then."""
        if self._held is None:
            return False
        self._held.append((tuple(changes), since))
        return True

    def answering(self) -> None:
        """It answers from now on."""
        self._answers = True

    def released(self) -> list[tuple[tuple[Change, ...], float]]:
        """What has waited, in its order; nothing waits any more."""
        held, self._held = self._held, None
        return held or []
