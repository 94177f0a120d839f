"""The control plane of one gateway: files in, Envoy up to date. Runs in a child of the supervisor.

It may die at any moment: Envoy serves on, and what it sends after a restart is only what differs. Rule: nothing
is answered to Envoy before the first load is complete, or a restart would withdraw everything.
"""

from __future__ import annotations

import asyncio
import datetime
import gc
import importlib
import os
import sys
import time
from collections import deque
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from isthmus.app.authorizer import Authorizer
from isthmus.app.events import Applied, Events
from isthmus.app.offline import make_pipeline, positioned
from isthmus.app.refusals import Refusals
from isthmus.app.remembered import Remembered
from isthmus.app.settings import Settings
from isthmus.dialects.services import unused_addresses
from isthmus.edge.ads_server import AdsServer
from isthmus.edge.files import FilesError, Watcher
from isthmus.edge.runtime_dir import LAST_GOOD, PLANS, secret_in, sockets_in
from isthmus.kube.diagnostics import Diagnostic
from isthmus.machines.ads import Effect, Rejected, Synced
from isthmus.machines.last_good import LastGood
from isthmus.machines.snapshot import Snapshot
from isthmus.xds.resources import LISTENER, Change

if TYPE_CHECKING:  # imported when the first API is there: they take longer than a gateway's start
    from isthmus.app.apis import Apis
    from isthmus.app.schema_keeper import Known
    from isthmus.app.servers import Servers

USAGE, CANNOT_SERVE = 2, 3
_SHORTEST_SLEEP = 0.1
_LONGEST_SLEEP = 60.0  # seconds: clocks are set, machines sleep, and new certificates come


class Wiring(Struct, frozen=True):
    """What exists before the gateway: the folder shared with the supervisor, its status pipe, the ADS server."""

    runtime: Path
    status: int
    snapshot: Snapshot
    server: AdsServer
    effects: asyncio.Queue[Effect]


class Pushed(Struct, frozen=True):
    """A snapshot version under way to Envoy; `since` is the monotonic time at which its cause was noticed."""

    version: str
    since: float
    resources: int


class Gateway:
    """One run of the control plane."""

    def __init__(self, wiring: Wiring, settings: object) -> None:
        self._wiring = wiring
        self._settings = msgspec.convert(settings, Settings)
        self._events = Events(self._settings.output)
        self._pipeline = make_pipeline(self._settings, secret_in(wiring.runtime))
        self._pushed: deque[Pushed] = deque()
        self._first_synced = asyncio.Event()
        self._authorizer = Authorizer(wiring.runtime, lambda: self._ask(b"authorization\n"), self._events.error)
        self._ready = False
        self._remembered = Remembered(wiring.runtime / LAST_GOOD, self._pipeline, wiring.snapshot, self._events.error)
        self._refusals = Refusals(self._pipeline, wiring.snapshot, self._remembered, self._events)
        self._apis: Apis | None = None
        self._servers: Servers | None = None

    async def run(self) -> int:
        """Serve until the supervisor goes away; returns the exit code."""
        if self._settings.targets:
            return await self._until_done(self._serve_servers())
        try:
            once = {path: Path(copy).read_bytes() for path, copy in self._settings.once}
            before = self._remembered.before()
            watcher = Watcher(self._settings.paths, once, before.objects)
        except FilesError as error:
            self._events.error(str(error))
            await self._wiring.server.stop()
            return USAGE
        if (self._wiring.runtime / PLANS).is_dir():  # of a control plane before this one: Envoy serves by them
            self._apis = self._make_apis()
        self._load(watcher, before)
        gc.freeze()  # what was loaded lives as long as the process: no need to look at it again and again
        return await self._until_done(self._watch(watcher), self._pass_time(watcher))

    async def _until_done(self, *work: Coroutine[None, None, int]) -> int:
        gc.enable()  # see control_plane
        tasks = [asyncio.create_task(each) for each in (*work, self._follow(), self._supervisor_gone())]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await self._wiring.server.stop()
        return max(task.result() for task in done)

    async def _serve_servers(self) -> int:
        """Bare gRPC servers in place of files. Returns only if one of them never comes up."""
        role = importlib.import_module("isthmus.app.servers")  # with all that asks servers for their schemas
        self._publish(self._pipeline.start(), time.monotonic())
        self._apis = apis = self._make_apis()
        before = role.LeftBehind(self._wiring.runtime)
        self._servers = servers = role.Servers(self._settings, self._pipeline, self._publish_now, self._events, before)
        servers.recall(apis)
        self._wiring.server.open()
        try:
            await servers.serve(apis)
        except role.ServerError as error:
            self._events.error(str(error))
        return CANNOT_SERVE

    def _make_apis(self) -> Apis:
        role = importlib.import_module("isthmus.app.apis")
        url = f"http://{self._settings.http_address}"
        made: Apis = role.Apis(self._wiring.runtime, url, self._pipeline, self._publish_now, self._api_known)
        self._ask(b"adapter\n")
        if self._settings.offering.explorer_port:
            self._ask(b"explorer\n")
        return made

    def _ask(self, word: bytes) -> None:
        """Say something to the supervisor."""
        os.write(self._wiring.status, word)

    def _follow_apis(self) -> None:
        """Ask for the schemas that manifests want now."""
        if self._apis is None and self._pipeline.apis():
            self._apis = self._make_apis()
        if self._apis is not None:
            self._apis.refresh()

    def _follow_policies(self) -> None:
        self._authorizer.follow(self._pipeline, self._let_go if self._ready else None)

    def _let_go(self) -> None:
        for changes, since in self._authorizer.released():
            self._publish(changes, since)

    def _api_known(self, known: Known) -> None:
        if self._servers is not None:
            self._servers.known(known)
        self._events.api(known)
        self._wiring.effects.put_nowait(Synced(""))  # it may have been the last thing to wait for

    def _publish_now(self, changes: Iterable[Change]) -> None:
        self._publish(changes, time.monotonic())

    def _publish_instead(self, changes: Iterable[Change]) -> None:
        self._follow_policies()  # of earlier versions too
        self._publish_now(changes)

    def _load(self, watcher: Watcher, before: LastGood) -> None:
        started = time.monotonic()
        made = self._pipeline.start()
        self._pipeline.memo.remember(before.certificates)
        self._pipeline.wild.recall(before.wildcards.values())
        update = self._pipeline.apply(watcher.loaded.objects)
        self._follow_policies()
        unused = unused_addresses(self._pipeline.memo.store, self._pipeline.memo.endpoints)
        self._say((*watcher.loaded.diagnostics, *unused, *update.found), (), watcher)
        self._publish((*made, *update.changes), started)
        self._refusals.recall(before)
        self._wiring.server.open()

    async def _watch(self, watcher: Watcher) -> int:
        self._follow_apis()
        await self._first_synced.wait()  # first things first: the watcher looks at everything when it begins
        await self._remembered.begin()
        known = dict.fromkeys(watcher.loaded.diagnostics)
        async for change in watcher:
            self._pipeline.at(datetime.datetime.now(datetime.UTC))
            update = self._pipeline.apply((*change.upserts, *change.moved), change.deletes)
            self._follow_policies()
            now = dict.fromkeys(change.diagnostics)
            come = [diagnostic for diagnostic in now if diagnostic not in known]
            gone = [diagnostic for diagnostic in known if diagnostic not in now]
            known = now
            self._say((*come, *update.found), (*gone, *update.resolved), watcher)
            self._publish(update.changes, change.seconds_at)
            self._follow_apis()
            await self._remembered.follow(change, update)
        return CANNOT_SERVE

    async def _pass_time(self, watcher: Watcher) -> int:
        """See to what becomes different because time passes: certificates that expire."""
        while True:
            now = datetime.datetime.now(datetime.UTC)
            moment = self._pipeline.memo.next_moment()
            if moment is not None and moment <= now:
                self._pipeline.at(now)
                update = self._pipeline.apply(())
                self._say(update.found, update.resolved, watcher)
                self._publish(update.changes, time.monotonic())
                moment = self._pipeline.memo.next_moment()
            wait = _LONGEST_SLEEP if moment is None else min((moment - now).total_seconds(), _LONGEST_SLEEP)
            await asyncio.sleep(max(wait, _SHORTEST_SLEEP))

    def _say(self, found: Iterable[Diagnostic], resolved: Iterable[Diagnostic], watcher: Watcher) -> None:
        shown = self._events.worth_showing(tuple(found))
        placed = positioned(shown, self._pipeline.memo.store, watcher.positions) if shown else ()
        self._events.findings(placed, resolved)

    def _publish(self, changes: Iterable[Change], since: float) -> None:
        if self._authorizer.holds(changes, since):
            return
        effective = self._wiring.server.publish(changes)
        if effective:
            self._pushed.append(Pushed(self._wiring.snapshot.version, since, len(effective)))

    async def _follow(self) -> int:
        """Hear what becomes of what was sent. Ends only when Envoy cannot listen."""
        while True:
            effect = await self._wiring.effects.get()
            if isinstance(effect, Rejected):
                if effect.type_url == LISTENER and not self._ready:
                    self._events.error(f"Envoy cannot listen ({effect.name}): {effect.message}")
                    return CANNOT_SERVE
                self._refusals.heard(effect)
            self._refusals.judge(self._publish_instead)
            if isinstance(effect, Synced):
                await self._synced(effect.version)

    async def _synced(self, version: str) -> None:
        if version:
            self._first_synced.set()
        if version in (pushed.version for pushed in self._pushed):
            while (pushed := self._pushed.popleft()).version != version:
                pass  # overtaken: Envoy has gone on to a later version
            milliseconds = (time.monotonic() - pushed.since) * 1000
            self._events.applied(Applied(version, milliseconds, pushed.resources), self._served)
        adapted = self._apis is not None and self._apis.answering
        complete = self._servers is None or (self._servers.complete and adapted)
        if not self._ready and not self._pushed and complete and self._authorizer.complete:
            from isthmus.edge.envoy_admin import EnvoyAdmin  # noqa: PLC0415 - not before Envoy has its configuration

            admin = EnvoyAdmin(sockets_in(self._wiring.runtime).admin)
            self._ready = await asyncio.to_thread(admin.wait_until_ready)
            if not self._ready:
                return
            self._ask(b"ready\n")
            self._events.ready(self._settings, *self._served())
            if self._servers is not None and self._apis is not None:
                self._events.apis(self._settings, self._apis.keeper.known.values())

    def _served(self) -> tuple[int, int]:
        """How many hosts and routes."""
        hosts = self._pipeline.memo.hosts
        return len(hosts), sum(len(config.routes) for each in hosts.values() for config in each.hosts)

    async def _supervisor_gone(self) -> int:
        """Standard input ends when the supervisor does."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            if line in (b"adapter ready\n", b"authorization ready\n"):
                if line.startswith(b"adapter") and self._apis is not None:
                    self._apis.adapter_answers()
                if line.startswith(b"authorization"):
                    self._authorizer.answering()
                    self._let_go()
                self._wiring.effects.put_nowait(Synced(""))
        return 0
