"""The lines to paste, run by a shell: real curl against the adapter, real grpcurl against the server behind it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from adapters import running
from grpc_servers import library_server

from isthmus.schema import descriptors, samples

BASE = "http://api.example"
# Answers that say that the line was wrong, and not that the library has no such book.
WRONG = {3: "invalid argument", 12: "unimplemented", 13: "internal", 2: "unknown"}


async def run(line: str, environment: Mapping[str, str]) -> str:
    """What a line prints; it must not fail."""
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", line, env=dict(environment), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await asyncio.wait_for(shell.communicate(), 20)
    assert shell.returncode == 0, (line, out, error)
    return out.decode()


async def test_every_curl_line_is_understood(tmp_path: Path) -> None:
    async with running() as world:
        pool = descriptors.load(world.schema.descriptor_set)
        (tmp_path / ".curlrc").write_text(
            f'unix-socket = "{world.orders.listen}"\nheader = "x-isthmus-schema: {world.schema.digest}"\n'
            'header = "x-isthmus-cluster: library"\nsilent\nwrite-out = "\\n%{http_code}"\n'
        )
        environment = {"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path)}
        statuses: dict[str, int] = {}
        for method in world.schema.methods:
            lines = [samples.curl(binding, method, pool, BASE) for binding in method.bindings]
            for line in filter(None, [*lines, samples.connect(method, pool, BASE)]):
                body, _, status = (await run(line, environment)).rpartition("\n")
                statuses[line] = int(status)
                if int(status) >= 400:
                    code = json.loads(body)["code"]
                    assert code not in WRONG and code not in ("invalid_argument", "unimplemented"), (line, body)
        well = [line for line, status in statuses.items() if status == 200]
        assert len(well) > 0.6 * len(statuses), statuses


async def test_every_grpcurl_line_is_understood() -> None:
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/nonexistent"}
    async with running() as world:
        pool = descriptors.load(world.schema.descriptor_set)
        with library_server() as server:
            for method in world.schema.methods:
                if method.name in ("ListShelves", "GetShelf", "Mirror", "Sum", "Bounce", "Ping"):
                    await run(samples.grpcurl(method, pool, server.address, True), environment)
