"""What becomes of manifests as text for terminals, Markdown or JSON: the same facts in the same order.

Rule: what a manifest says is printed without control characters and not at length, so that it cannot write to the
terminal or break a table.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import click
import msgspec

from isthmus.app.migration import Migration
from isthmus.dialects.ingress.migration import Moved, Row, Verdict
from isthmus.kube.diagnostics import printable
from isthmus.kube.render import render_json as finding_json
from isthmus.kube.render import render_text

SCHEMA = "isthmus.migrate/v1"
_COLOURS = {
    Verdict.KEPT: "green",
    Verdict.HELPER: "green",
    Verdict.DIFFERS: "blue",
    Verdict.NO_EFFECT: "blue",
    Verdict.INVALID: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.REFUSED: "red",
}
_MARKDOWN_HEAD = ("| Annotation | Value | Verdict | Why | Instead |", "|---|---|---|---|---|")
_WIDTH = max(len(each.word) for each in Verdict)
_LONGEST_VALUE = 60
_LONGEST_TEXT = 400
_NARROWEST = 40


class Totals(NamedTuple):
    """How many of each verdict, best first."""

    objects: dict[Verdict, int]
    rows: dict[Verdict, int]
    left_out: int
    foreign: int


def totals(found: Migration) -> Totals:
    """Of everything that is served here."""
    served = [each for each in found.moved if not each.left_out]
    objects = {verdict: sum(each.verdict is verdict for each in served) for verdict in Verdict}
    rows = {verdict: sum(row.verdict is verdict for each in served for row in each.rows) for verdict in Verdict}
    return Totals(objects, rows, len(found.moved) - len(served), sum(len(each.foreign) for each in served))


def render_table(found: Migration, width: int | None) -> str:
    """For terminals, `width` columns wide; None does not fold lines."""
    lines: list[str] = []
    for each in found.moved:
        lines += [*_object(found, each, _folded(width)), ""]
    for unread in found.unread:
        lines += [click.style(render_text(unread), fg=_COLOURS[Verdict.REFUSED]), ""]
    return "\n".join([*lines, *_to_do(found), *_headlines(found)])


def _to_do(found: Migration) -> Iterator[str]:
    """What is refused, once more in one place: it keeps the move from going on."""
    refused = [
        (each, row) for each in found.moved if not each.left_out for row in each.rows if row.verdict is Verdict.REFUSED
    ]
    if not refused:
        return
    yield click.style("To mend before the move, or these paths answer 503:", bold=True)
    for each, row in refused:
        yield f"  {printable(str(each.ref), _LONGEST_TEXT)}  {printable(row.name, _LONGEST_TEXT)}"
    yield ""


def _object(found: Migration, moved: Moved, fold: Callable[[str], list[str]]) -> Iterator[str]:
    place = found.places.get(moved.ref)
    head = f"{moved.ref}{f'  {place}' if place else ''}"
    yield click.style(printable(head, _LONGEST_TEXT), bold=True)
    if moved.left_out:
        yield from fold(f"left out: {printable(moved.left_out, _LONGEST_TEXT)}")
    elif not moved.rows:
        yield f"  {click.style(f'{Verdict.KEPT.word:{_WIDTH}}', fg=_COLOURS[Verdict.KEPT])}  it has no annotations"
    for row in moved.rows:
        word = click.style(f"{row.verdict.word:{_WIDTH}}", fg=_COLOURS[row.verdict])
        yield f"  {word}  {_name(row)}"
        for text in _texts(row):
            yield from fold(text)


def _name(row: Row) -> str:
    name = printable(row.name, _LONGEST_TEXT)
    return f"{name}: {printable(row.value, _LONGEST_VALUE)}" if row.value else name


def _texts(row: Row) -> Iterator[str]:
    codes = f" ({', '.join(row.codes)})" if row.codes else ""
    if row.why:
        yield printable(row.why, _LONGEST_TEXT) + codes
    if row.instead:
        yield f"instead: {printable(row.instead, _LONGEST_TEXT)}"


def _folded(width: int | None) -> Callable[[str], list[str]]:
    indent = " " * (_WIDTH + 4)
    if width is None:
        return lambda text: [indent + text]
    room = max(width, _NARROWEST)
    return lambda text: textwrap.wrap(
        text, room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _headlines(found: Migration) -> Iterator[str]:
    counted = totals(found)
    yield f"{_count(sum(counted.rows.values()), 'annotation')} and the like: {_told(counted.rows)}"
    yield f"{_count(sum(counted.objects.values()), 'object')} by their worst: {_told(counted.objects)}"
    if counted.left_out:
        yield f"{_count(counted.left_out, 'object')} of classes that are not served here; see --class"
    if counted.foreign:
        yield f"{_count(counted.foreign, 'annotation')} of other programs, left as they are"
    if found.unread:
        yield f"{_count(len(found.unread), 'finding')} about what could not be read"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _told(counted: dict[Verdict, int]) -> str:
    return ", ".join(f"{number:,} {verdict.word}" for verdict, number in counted.items() if number) or "none"


def render_markdown(found: Migration) -> str:
    """For pull requests and tickets."""
    counted = totals(found)
    lines = ["# Migration", "", "| Verdict | Annotations and the like | Objects, by their worst |", "|---|---:|---:|"]
    lines += [f"| {each.word} | {counted.rows[each]} | {counted.objects[each]} |" for each in Verdict]
    lines += ["", *(f"- {line}" for line in list(_headlines(found))[2:])]
    for moved in found.moved:
        place = found.places.get(moved.ref)
        lines += ["", f"## {_cell(str(moved.ref))}", ""]
        lines += [f"At {_code(str(place))}.", ""] if place else []
        if moved.left_out:
            lines.append(f"Left out: {_cell(moved.left_out)}.")
        elif moved.rows:
            lines += [*_MARKDOWN_HEAD, *map(_row, moved.rows)]
        else:
            lines.append("No annotations.")
    if found.unread:
        lines += ["", "## Not read", "", *(f"- {_cell(f'{each.pos}: {each.message}')}" for each in found.unread)]
    return "\n".join(lines)


def _row(row: Row) -> str:
    codes = ", ".join(row.codes)
    why = f"{row.why} ({codes})" if row.why and codes else row.why
    value = printable(row.value, _LONGEST_VALUE)
    cells = (_code(printable(row.name, _LONGEST_TEXT)), _code(value), row.verdict.word, _cell(why), _cell(row.instead))
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Text that Markdown takes as text."""
    shown = printable(text, _LONGEST_TEXT)
    return "".join(f"\\{letter}" if letter in "\\|`*_[]#~" else _HTML.get(letter, letter) for letter in shown)


_HTML = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def _code(text: str) -> str:
    """Text as code. GitHub takes | for a cell's border there too, and a fence must be longer than those inside."""
    if not text:
        return ""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def render_json(found: Migration) -> str:
    """For programs; the schema's name changes when a field changes its meaning."""
    counted = totals(found)
    document = {
        "schema": SCHEMA,
        "classes": list(found.classes),
        "totals": {
            "annotations": _numbers(counted.rows),
            "objects": _numbers(counted.objects),
            "left_out": counted.left_out,
            "other_programs": counted.foreign,
            "unread": len(found.unread),
        },
        "objects": [_object_json(found, each) for each in found.moved],
        "unread": [finding_json(each) for each in found.unread],
    }
    return msgspec.json.format(json.dumps(document), indent=2)  # json's own indentation is slow


def _numbers(counted: dict[Verdict, int]) -> dict[str, int]:
    return {verdict.word: number for verdict, number in counted.items()}


def _object_json(found: Migration, moved: Moved) -> dict[str, object]:
    place = found.places.get(moved.ref)
    return {
        "kind": moved.ref.kind,
        "namespace": moved.ref.namespace,
        "name": moved.ref.name,
        "file": place.file if place else "",
        "line": place.line if place else 0,
        "verdict": "left out" if moved.left_out else moved.verdict.word,
        "left_out": moved.left_out,
        "annotations": [_row_json(row) for row in moved.rows],
        "other_programs": list(moved.foreign),
        "changes": list(moved.suggested.lines()),
    }


def _row_json(row: Row) -> dict[str, object]:
    return {
        "path": str(row.path),
        "name": row.name,
        "value": row.value,
        "verdict": row.verdict.word,
        "why": row.why,
        "instead": row.instead,
        "codes": list(row.codes),
    }


def changes(moved: Iterable[Moved]) -> Iterator[str]:
    """The suggested changes, one a line."""
    for each in moved:
        for line in each.suggested.lines():
            yield printable(f"{each.ref}: {line}", _LONGEST_TEXT)
