"""The work of `isthmus migrate`: manifests to a report, rewritten manifests and an exit code.

Where standard output is for manifests, nothing else is written to it.
"""

from __future__ import annotations

import shutil
import sys
from typing import NamedTuple

import click

from isthmus.app.migration import Migration, Rewritten, migration, rewritten
from isthmus.app.offline import Offline
from isthmus.cli.migrate_files import OutputError, write
from isthmus.cli.migrate_report import changes, render_json, render_markdown, render_table, totals
from isthmus.cli.options import Failure, settings_of, standard_input
from isthmus.cli.patience import patience
from isthmus.dialects.ingress.migration import Verdict
from isthmus.edge.files import FilesError

REFUSED = 1


class Options(NamedTuple):
    """Everything that was asked for."""

    paths: tuple[str, ...]
    classes: tuple[str, ...]
    endpoints: tuple[str, ...]
    allow_external_name: bool
    controller_config: str
    without: tuple[str, ...]
    output: str
    to: str | None
    output_dir: str
    force: bool


def migrate(options: Options) -> int:
    """Report and write; the exit code. Raises Failure."""
    given = (options.paths, options.classes, options.endpoints, options.allow_external_name)
    settings = settings_of(*given, options.controller_config, options.without)
    try:
        stdin = standard_input(options.paths)
        with patience("reading and translating the manifests"):
            offline = Offline(settings, stdin)
            found = migration(offline, settings)
            made = rewritten(offline, found.moved) if options.to else None
    except FilesError as error:
        raise Failure(str(error)) from None
    manifests_only = made is not None and not options.output_dir
    if made is not None:
        _write(made, settings.paths, stdin, options)
    _print(found, options.output, manifests_only)
    if made is not None:
        _tell(found, made)
    return REFUSED if found.unread or totals(found).rows[Verdict.REFUSED] else 0


def _write(made: Rewritten, paths: tuple[str, ...], stdin: bytes | None, options: Options) -> None:
    if not options.output_dir:
        click.echo(_together(made), nl=False)
        return
    try:
        for path in write(made.texts, paths, stdin, options.output_dir, options.force):
            click.echo(f"wrote {path}", err=True)
    except OutputError as error:
        raise Failure(str(error)) from None


def _together(made: Rewritten) -> str:
    """One stream of documents. A single file is as it was; of several each says where it comes from."""
    if len(made.texts) == 1:
        return next(iter(made.texts.values()))
    parts = []
    for name, text in made.texts.items():
        directives = text.startswith("%")  # they belong to what follows, so nothing goes between
        head = f"# from {name}\n" if directives else f"---\n# from {name}\n"
        parts.append(f"{head}{text}{'' if text.endswith(chr(10)) else chr(10)}")
    return "".join(parts)


def _print(found: Migration, output: str, to_stderr: bool) -> None:
    if output == "json":
        text = render_json(found)
    elif output == "markdown":
        text = render_markdown(found)
    else:
        stream = sys.stderr if to_stderr else sys.stdout
        text = render_table(found, shutil.get_terminal_size().columns if stream.isatty() else None)
    click.echo(text, err=to_stderr)


def _tell(found: Migration, made: Rewritten) -> None:
    by_hand = set(made.by_hand)
    for line in changes(each for each in found.moved if each.ref not in by_hand):
        click.echo(f"changed: {line}", err=True)
    for line in changes(each for each in found.moved if each.ref in by_hand):
        click.echo(f"to change by hand: {line}", err=True)
