"""The work of `isthmus compare`: options to rules, files to requests, answers to a report and an exit code.

Messages about what is wrong go to standard error, the report alone to standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import click

from isthmus.cli import INTERRUPTED
from isthmus.cli.options import Failure
from isthmus.edge.replay.client import Gateway
from isthmus.edge.replay.replay import Pace, UnreachableError, replay
from isthmus.edge.replay.request_files import RequestFileError, read_requests
from isthmus.replay.answer import Base, Outcome, parse_base
from isthmus.replay.bodies import BodyRules
from isthmus.replay.compare import Rules, Sides
from isthmus.replay.compare import compare as compare_outcomes
from isthmus.replay.gathering import Selection
from isthmus.replay.header_values import IGNORED
from isthmus.replay.json_path import parse_json_path
from isthmus.replay.render import Outcomes, places, render_json, render_markdown, render_table
from isthmus.replay.request import is_header_name, is_host
from isthmus.replay.tally import Item, Reading, Tally

DIFFERENT = 1
CANNOT_REACH = 3
_RENDERERS = {"table": render_table, "markdown": render_markdown, "json": render_json}
_FIRST_PROGRESS, _TERMINAL_EVERY, _LOG_EVERY = 1.0, 0.25, 10.0  # seconds


class Options(NamedTuple):
    """Everything that was asked for, checked."""

    sides: Sides
    selection: Selection
    rules: Rules
    pace: Pace
    timeout: float
    tls: ssl.SSLContext
    examples: int
    output: str


def options_from(given: Mapping[str, Any]) -> Options:
    """The options out of a command's parameters. Raises Failure."""
    if given["host"] and not is_host(given["host"]):
        raise Failure(f"--host {given['host']!r}: expected NAME or NAME:PORT")
    selection = Selection(
        not given["only_safe"], given["limit"] or 0, given["host"], _names("--drop-header", given["drop_header"])
    )
    return Options(
        Sides(_bases("--old", given["old"]), _bases("--new", given["new"])),
        selection,
        _rules(given),
        Pace(given["concurrency"], given["rate"] or 0.0),
        given["timeout"],
        _tls(given["cacert"], given["insecure"]),
        given["examples"],
        given["output"],
    )


def _bases(option: str, urls: tuple[str, ...]) -> tuple[Base, ...]:
    found: list[Base] = []
    for url in urls:
        base = parse_base(url)
        if base is None:
            raise Failure(
                f"{option} {_without_password(url)!r}: expected http://HOST[:PORT] or https://HOST[:PORT], no path"
            )
        if base.scheme in {other.scheme for other in found}:
            raise Failure(f"{option} {url}: there is another {base.scheme} URL already; one for each scheme")
        found.append(base)
    return tuple(found)


def _without_password(url: str) -> str:
    return "***@" + url.rpartition("@")[2] if "@" in url else url


def _names(option: str, names: tuple[str, ...]) -> frozenset[str]:
    wrong = next((name for name in names if not is_header_name(name)), None)
    if wrong is not None:
        raise Failure(f"{option} {wrong!r}: expected the name of a header")
    return frozenset(name.lower() for name in names)


def _rules(given: Mapping[str, Any]) -> Rules:
    paths = []
    for text in given["ignore_json_path"]:
        path = parse_json_path(text)
        if path is None:
            raise Failure(f"--ignore-json-path {text!r}: expected a path such as $.items[*].id or $['odd name']")
        paths.append(path)
    added, removed = (_names(f"--{way}-header", given[f"{way}_header"]) for way in ("ignore", "compare"))
    if both := added & removed:
        raise Failure(f"--ignore-header and --compare-header contradict each other: {', '.join(sorted(both))}")
    body = BodyRules(given["exact_body"], tuple(paths))
    return Rules((IGNORED | added) - removed, not given["ignore_body"], not given["ignore_error_body"], body)


def _tls(cacert: str, insecure: bool) -> ssl.SSLContext:
    if cacert and insecure:
        raise Failure("--cacert and --insecure contradict each other")
    try:
        context = ssl.create_default_context(cafile=cacert or None)
    except (OSError, ValueError) as error:
        reason = (
            "it holds no PEM certificates" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", error)
        )
        raise Failure(f"--cacert {cacert}: {reason}") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def compare(files: tuple[str, ...], options: Options) -> int:
    """Read, send, print; the exit code. Raises Failure."""
    try:
        reading = read_requests(files, options.selection, _reading)
    except RequestFileError as error:
        raise Failure(str(error)) from None
    _complain(reading)
    if not reading.items:
        raise Failure(_nothing(reading))
    tally = Tally(options.examples)
    try:
        finished = asyncio.run(_send(reading, tally, options))
    except UnreachableError as error:
        raise Failure(str(error), CANNOT_REACH) from None
    click.echo(_RENDERERS[options.output](Outcomes(options.sides, reading, tally, finished)))
    if not finished:
        return INTERRUPTED
    return DIFFERENT if tally.different else 0


def _reading(name: str, line: int) -> None:
    click.echo(f"reading {name}: {line:,} lines", err=True)


def _complain(reading: Reading) -> None:
    for line in places((place, why.problem) for place, why in reading.unusable):
        click.echo(line, err=True)
    if more := reading.unusable_count - len(reading.unusable):
        click.echo(f"and {more:,} more lines that are no requests", err=True)


def _nothing(reading: Reading) -> str:
    if reading.unsafe:
        told = ", ".join(f"{method} {lines:,}" for method, lines in reading.unsafe)
        return f"only requests that may change something were found ({told}): --all-methods sends them"
    return "no line is a request" if reading.unusable_count else "there is no request: every line is empty"


async def _send(reading: Reading, tally: Tally, options: Options) -> bool:
    """Whether it went to the end."""

    def take(item: Item, old: Outcome, new: Outcome) -> None:
        tally.add(item, compare_outcomes(item.request, old, new, options.sides, options.rules))

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    async with (
        Gateway(options.sides.old, options.timeout, options.tls) as old,
        Gateway(options.sides.new, options.timeout, options.tls) as new,
        _progress(tally, len(reading.items)),
    ):
        await replay(reading.items, old, new, options.pace, take, stop)
    return not stop.is_set()


@contextlib.asynccontextmanager
async def _progress(tally: Tally, of: int) -> AsyncIterator[None]:
    """Lines on standard error for as long as it takes; one line that changes, on a terminal."""
    task = asyncio.create_task(_tell(tally, of, sys.stderr.isatty()))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _tell(tally: Tally, of: int, terminal: bool) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.sleep(_FIRST_PROGRESS)
    try:
        while True:
            rate = tally.requests / (loop.time() - started)
            line = f"{tally.requests:,} of {of:,} requests, {tally.different:,} different, {rate:,.0f}/s"
            click.echo(f"\r\x1b[K{line}" if terminal else line, err=True, nl=not terminal)
            await asyncio.sleep(_TERMINAL_EVERY if terminal else _LOG_EVERY)
    finally:
        if terminal:
            click.echo("\r\x1b[K", err=True, nl=False)
