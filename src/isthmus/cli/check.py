"""`isthmus check`: every mistake in manifests, with code, place and what to do."""

from __future__ import annotations

import json
from typing import Any

import click

from isthmus import __version__
from isthmus.app.offline import at_least
from isthmus.cli.notes import nothing_read
from isthmus.cli.options import manifests, settings_of
from isthmus.cli.reading import read
from isthmus.codes import CODES
from isthmus.kube.diagnostics import Diagnostic, Severity
from isthmus.kube.render import render_json, render_sarif, render_text

_COLOURS = {Severity.INFO: "blue", Severity.WARNING: "yellow", Severity.ERROR: "red"}
_WORDS = [severity.word for severity in Severity]


@click.command("check")
@manifests
@click.option(
    "--fail-on",
    type=click.Choice(_WORDS),
    default="error",
    show_default=True,
    help="Exit with 1 when there is a finding of this severity or worse.",
)
@click.option("--min", "minimum", type=click.Choice(_WORDS), default="info", help="Show this severity and worse.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="How findings are printed.",
)
def command(
    paths: tuple[str, ...],
    classes: tuple[str, ...],
    endpoints: tuple[str, ...],
    allow_external_name: bool,
    **options: Any,
) -> None:
    """Find every mistake in manifests.

    Exits with 0 when nothing is found at or above --fail-on, 1 when something is, 2 for wrong usage.

    \b
    isthmus check -f deploy/
    isthmus check -f ingress.yaml --fail-on warning
    kubectl get ingress,svc,endpointslices,secret -o yaml | isthmus check -f -
    isthmus check -f deploy/ -o sarif > isthmus.sarif
    """
    controller = (options["controller_config"], options["without"])
    settings = settings_of(paths, classes, endpoints, allow_external_name, *controller)
    offline = read(settings, paths)
    everything = offline.diagnostics()
    shown = at_least(everything, Severity[options["minimum"].upper()])
    _print(shown, options["output"], len(offline.store))
    if options["output"] == "text":
        click.echo(nothing_read(offline, paths) or _summary(len(offline.store), everything), err=True)
    if at_least(everything, Severity[options["fail_on"].upper()]):
        raise click.exceptions.Exit(1)


def _print(found: tuple[Diagnostic, ...], output: str, objects: int) -> None:
    if output == "json":
        document = {
            "schema": "isthmus.check/v1",
            "objects": objects,
            "findings": [render_json(d) for d in found],
        }
        click.echo(json.dumps(document, indent=2))
    elif output == "sarif":
        click.echo(json.dumps(render_sarif(found, CODES, __version__), indent=2))
    else:
        for diagnostic in found:
            head, _, rest = render_text(diagnostic).partition("\n")
            click.echo(click.style(head, fg=_COLOURS[diagnostic.code.severity]))
            if rest:
                click.echo(rest)


def _plural(count: int, severity: Severity) -> str:
    return "" if count == 1 or severity is Severity.INFO else "s"


def _summary(objects: int, found: tuple[Diagnostic, ...]) -> str:
    """How much of what was found, hidden findings too."""
    counted = ((sum(d.code.severity == each for d in found), each) for each in reversed(Severity))
    told = ", ".join(f"{count:,} {each.word}{_plural(count, each)}" for count, each in counted if count)
    return f"{objects:,} object{'' if objects == 1 else 's'} read: {told or 'nothing found'}"
