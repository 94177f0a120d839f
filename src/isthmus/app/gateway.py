"""The control plane of one gateway: files in, Envoy up to date. Runs as a child of the supervisor.

It may die at any moment: Envoy serves on, and what it sends after a restart is only what differs. Rule: nothing
is answered to Envoy before the first load is complete, or a restart would withdraw everything.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

from isthmus.app.events import Events
from isthmus.app.offline import make_pipeline, positioned
from isthmus.app.settings import Settings
from isthmus.edge.ads_server import AdsServer
from isthmus.edge.envoy_admin import EnvoyAdmin
from isthmus.edge.files import FileChange, FilesError, Watcher
from isthmus.kube.diagnostics import Diagnostic, Report
from isthmus.kube.positions import Positions
from isthmus.machines import codes
from isthmus.machines.ads import Effect, Rejected, Synced
from isthmus.machines.pipeline import Update
from isthmus.machines.snapshot import Snapshot

USAGE, CANNOT_SERVE = 2, 3


class Gateway:
    """One run of the control plane. `runtime` is the folder that it shares with the supervisor and Envoy."""

    def __init__(self, settings: Settings, runtime: Path, status: int) -> None:
        self._settings = settings
        self._runtime = runtime
        self._status = status
        self._events = Events(settings.output)
        self._pipeline = make_pipeline(settings)
        self._snapshot = Snapshot()
        self._server = AdsServer(self._snapshot, str(runtime / "ads.sock"), self._on_effect)
        self._pending: deque[tuple[str, float, int]] = deque()  # version, time it was noticed, resources sent
        self._live = asyncio.Event()

    async def run(self) -> int:
        """Serve until the supervisor goes away; returns the exit code."""
        await self._server.start()
        self._tell("ads")
        try:
            stdin = Path(self._settings.stdin).read_bytes() if self._settings.stdin else None
            watcher = Watcher(self._settings.paths, stdin)
        except FilesError as error:
            self._events.error(str(error))
            return USAGE
        self._load(watcher)
        gc.freeze()
        watching = asyncio.create_task(self._watch(watcher))
        orphaned = asyncio.create_task(self._supervisor_gone())
        await asyncio.wait({watching, orphaned}, return_when=asyncio.FIRST_COMPLETED)
        await self._server.stop()
        if watching.done():
            watching.result()
        watching.cancel()
        return 0

    def _load(self, watcher: Watcher) -> None:
        started = time.monotonic()
        loaded = watcher.loaded
        made = self._pipeline.start()
        update = self._pipeline.apply(loaded.objects)
        self._events.findings((*loaded.diagnostics, *self._placed(update.found, watcher)), ())
        self._publish((*made, *update.changes), started)
        self._server.open()

    async def _watch(self, watcher: Watcher) -> None:
        known = set(watcher.loaded.diagnostics)
        async for change in watcher:
            update = self._pipeline.apply(change.upserts, change.deletes)
            self._report(change, update, known, watcher)
            known = set(change.diagnostics)
            self._publish(update.changes, change.seconds_at)

    def _report(self, change: FileChange, update: Update, known: set[Diagnostic], watcher: Watcher) -> None:
        now = set(change.diagnostics)
        found = [d for d in change.diagnostics if d not in known]
        resolved = [*(d for d in known if d not in now), *update.resolved]
        self._events.findings((*found, *self._placed(update.found, watcher)), resolved)

    def _placed(self, found: tuple[Diagnostic, ...], watcher: Watcher) -> tuple[Diagnostic, ...]:
        shown = self._events.worth_showing(found)
        return positioned(shown, self._pipeline.memo.store, Positions(watcher.texts)) if shown else ()

    def _publish(self, changes: tuple, started: float) -> None:  # type: ignore[type-arg]
        effective = self._server.publish(changes)
        if effective:
            self._pending.append((self._snapshot.version, started, len(effective)))

    def _on_effect(self, effect: Effect) -> None:
        if isinstance(effect, Synced):
            self._synced(effect.version)
        elif isinstance(effect, Rejected):
            report = Report()
            for ref in self._pipeline.behind(effect.type_url, effect.name):
                report.add(codes.REJECTED, ref, resource=effect.name, message=effect.message)
            self._events.findings(report.all(), ())

    def _synced(self, version: str) -> None:
        if not any(version == pending for pending, _, _ in self._pending):
            return
        while self._pending:
            pending, started, count = self._pending.popleft()
            if pending == version:
                self._events.applied(version, (time.monotonic() - started) * 1000, count)
                break
        if not self._live.is_set():
            self._live.set()
            self._ready = asyncio.ensure_future(self._announce())

    async def _announce(self) -> None:
        """Say that traffic is answered, once Envoy says so."""
        admin = EnvoyAdmin(str(self._runtime / "admin.sock"))
        await asyncio.to_thread(admin.wait_until_ready)
        self._tell("ready")
        hosts = self._pipeline.memo.hosts
        routes = sum(len(config.routes) for each in hosts.values() for config in each.hosts)
        self._events.ready(self._settings, len(hosts), routes)

    def _tell(self, word: str) -> None:
        os.write(self._status, f"{word}\n".encode())

    async def _supervisor_gone(self) -> None:
        """Standard input ends when the supervisor does."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.read(4096):
            pass


def main(arguments: list[str]) -> int:
    """`python -m isthmus.app.gateway RUNTIME_DIR STATUS_FD`."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    runtime = Path(arguments[0])
    settings = msgspec.json.decode((runtime / "settings.json").read_bytes(), type=Settings)
    return asyncio.run(_run(settings, runtime, int(arguments[1])))


async def _run(settings: Settings, runtime: Path, status: int) -> int:
    return await Gateway(settings, runtime, status).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
