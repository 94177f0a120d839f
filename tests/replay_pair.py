"""A real nginx and a real Isthmus gateway before the same servers, and the same requests sent to both.

The folders of tests/replay/cases hold a family each: the manifests that Isthmus reads, the configuration that
ingress-nginx makes of them, and requests. Everything is sent and compared by the library behind `isthmus compare`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gateways import Gateway, free_ports
from msgspec.structs import replace
from nginx_process import Nginx, filled
from telling_server import TellingServer, telling

from isthmus.edge import pki
from isthmus.edge.replay.client import Gateway as Client
from isthmus.edge.replay.replay import Pace, replay
from isthmus.edge.replay.request_files import read_requests
from isthmus.replay.answer import Answer, Base, Outcome
from isthmus.replay.bodies import BodyRules
from isthmus.replay.compare import Difference, Rules, Sides, compare
from isthmus.replay.gathering import Selection
from isthmus.replay.header_values import IGNORED
from isthmus.replay.json_path import JsonPath, parse_json_path
from isthmus.replay.request import Recorded
from isthmus.replay.tally import Item

FOLDER = Path(__file__).parent / "replay"
CASES = FOLDER / "cases"
SERVERS = ("web", "canary", "mirror", "auth", "errors", "pool-1", "pool-2", "pool-3")
# Stricter than the command: both gateways hide what they are, and say nothing of the server's times.
RULES = Rules(IGNORED - {"server", "x-envoy-upstream-service-time", "x-request-id"})
# Different in every request; test_forwarded_headers looks at it.
OF_THE_MOMENT = ("$.headers['x-request-id']",)
_SECONDS = 20.0


class Found(NamedTuple):
    """One request and everything in which the answers differ."""

    request: Recorded
    differences: tuple[Difference, ...]

    @property
    def title(self) -> str:
        """As differences.yaml names it: METHOD host/path."""
        return f"{self.request.method} {self.request.host}{self.request.target}"


class Pair(NamedTuple):
    """Both gateways and the servers behind them. Ports are (http, https)."""

    nginx: Nginx
    isthmus: Gateway
    ports: tuple[tuple[int, int], tuple[int, int]]
    servers: Mapping[str, TellingServer]

    @property
    def sides(self) -> Sides:
        """nginx is the old one."""
        old, new = (
            tuple(Base(scheme, "127.0.0.1", port) for scheme, port in zip(("http", "https"), ports, strict=True))
            for ports in self.ports
        )
        return Sides(old, new)


def families() -> list[str]:
    """Names of the cases."""
    return sorted(each.name for each in CASES.iterdir() if each.is_dir())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Pair]:
    """Everything, in an empty folder."""
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(telling(SERVERS))
        dead = stack.enter_context(socket.socket())
        dead.bind(("127.0.0.1", 0))  # nobody listens: connections are refused
        addresses = {name: server.address for name, server in servers.items()}
        addresses["dead"] = f"127.0.0.1:{dead.getsockname()[1]}"
        ports = tuple(free_ports(2))
        pair = pki.leaf(pki.authority("replay"), ["*.replay.test"])
        nginx = stack.enter_context(_nginx(folder / "nginx", (ports[0], ports[1]), addresses, pair))
        isthmus = stack.enter_context(_isthmus(folder / "manifests", addresses, pair))
        both = (ports[0], ports[1]), (isthmus.http_port, isthmus.https_port)
        yield Pair(nginx, isthmus, both, servers)


def _nginx(folder: Path, ports: tuple[int, int], addresses: Mapping[str, str], pair: pki.Pair) -> Nginx:
    names = {**addresses, "http": ports[0], "https": ports[1]}
    (folder / "families").mkdir(parents=True)
    for source in (FOLDER / "nginx").glob("*"):
        (folder / source.name).write_text(filled(source.read_text(), names))
    for family in families():
        source = CASES / family / "nginx.conf"
        (folder / "families" / f"{family}.conf").write_text(filled(source.read_text(), names))
    (folder / "replay.pem").write_bytes(pair.cert_pem + pair.key_pem)
    return Nginx(folder, ports[0])


def _isthmus(folder: Path, addresses: Mapping[str, str], pair: pki.Pair) -> Gateway:
    folder.mkdir()
    shutil.copy(FOLDER / "services.yaml", folder)
    for family in families():
        shutil.copy(CASES / family / "manifests.yaml", folder / f"{family}.yaml")
    (folder / "secret.yaml").write_text(pki.secret_manifest("default", "replay-tls", pair))
    endpoints = {
        **{f"default/{name}": [addresses[name]] for name in ("web", "canary", "mirror", "auth", "errors", "dead")},
        "default/pool": [addresses[f"pool-{number}"] for number in (1, 2, 3)],
        "default/shaky": [addresses["dead"], addresses["web"]],
    }
    return Gateway([folder], endpoints, "--class", "nginx", "--class", "nginx-org")


def replayed(pair: Pair, family: str) -> list[Found]:
    """What came of the requests of a family, in their order."""
    path = CASES / family / "requests.jsonl"
    reading = read_requests([str(path)], Selection(all_methods=True), lambda *_: None)
    assert not reading.unusable, reading.unusable
    found: dict[int, Found] = {}

    def take(item: Item, old: Outcome, new: Outcome) -> None:
        found[item.order] = Found(item.request, compared(pair, item.request, old, new))

    async def send(old: Client, new: Client) -> None:
        await replay(reading.items, old, new, Pace(concurrency=4), take, asyncio.Event())

    between(pair, send)
    return [found[order] for order in sorted(found)]


def between(pair: Pair, send: Callable[[Client, Client], Awaitable[None]]) -> None:
    """Run `send` with clients of nginx and of Isthmus."""

    async def run() -> None:
        async with (
            Client(pair.sides.old, _SECONDS, _everybody()) as old,
            Client(pair.sides.new, _SECONDS, _everybody()) as new,
        ):
            await send(old, new)

    asyncio.run(run())


def ask_both(pair: Pair, requests: Sequence[Recorded], at_once: bool = False) -> tuple[list[Answer], list[Answer]]:
    """The answers of nginx and of Isthmus to some requests, one after the other or `at_once`."""
    answers: tuple[list[Answer], list[Answer]] = ([], [])

    async def send(*clients: Client) -> None:
        for client, kept in zip(clients, answers, strict=True):
            if at_once:
                outcomes = await asyncio.gather(*(client.ask(request) for request in requests))
            else:
                outcomes = [await client.ask(request) for request in requests]
            for outcome in outcomes:
                assert isinstance(outcome, Answer), outcome
                kept.append(outcome)

    between(pair, send)
    return answers


def _everybody() -> ssl.SSLContext:
    """Trusts both: who they are is not the question here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def compared(pair: Pair, request: Recorded, old: Outcome, new: Outcome) -> tuple[Difference, ...]:
    """All differences. Of two JSON documents the library tells the first, so it is asked again without that place."""
    seen = tuple(_own_ports(outcome, ports) for outcome, ports in zip((old, new), pair.ports, strict=True))
    ignored = [_place(path) for path in OF_THE_MOMENT]
    found: dict[Difference, None] = {}
    while True:
        rules = replace(RULES, body=BodyRules(ignored=tuple(ignored)))
        fresh = [each for each in compare(request, *seen, pair.sides, rules) if each not in found]
        found |= dict.fromkeys(fresh)
        places = [_place(each.where) for each in fresh if each.kind == "body" and each.where.startswith("$")]
        if not places:
            return tuple(found)
        ignored += places


def _place(path: str) -> JsonPath:
    found = parse_json_path(path)
    assert found is not None, path
    return found


def _own_ports(outcome: Outcome, ports: tuple[int, int]) -> Outcome:
    """With the gateway's own ports read as 80 and 443 in redirects, and in what a server tells of them."""
    if not isinstance(outcome, Answer):
        return outcome
    body, headers = outcome.body, outcome.headers
    for own, usual in zip(ports, (80, 443), strict=True):
        body = body.replace(b'"%d"' % own, b'"%d"' % usual)
        headers = tuple(
            (name, re.sub(rf":{own}\b", f":{usual}", value) if name == "location" else value) for name, value in headers
        )
    return replace(outcome, body=body, headers=headers)
