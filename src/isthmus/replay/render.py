"""A comparison as text, Markdown or JSON: the same facts in the same order.

Rule: what a log or a gateway wrote is printed without control characters, so that it cannot write to the terminal or
break a table; credentials never get this far.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from msgspec import Struct

from isthmus.replay.compare import Sides
from isthmus.replay.tally import Example, Group, Reading, Tally

SCHEMA = "isthmus.compare/v1"
_MOST_TEXT = 200


class Outcomes(Struct, frozen=True):
    """What is printed at the end. `finished` is false where somebody interrupted."""

    sides: Sides
    reading: Reading
    tally: Tally
    finished: bool = True


def render_table(found: Outcomes) -> str:
    """For terminals."""
    lines = [_headline(found), *_addresses(found)]
    groups = found.tally.groups()
    if groups:
        width = max(len("DIFFERENCE"), *(len(printable(group.kind)) for group in groups))
        lines += ["", f"{'DIFFERENCE':{width}}  REQUESTS  LINES"]
        lines += [f"{printable(group.kind):{width}}  {group.requests:8}  {group.lines:5}" for group in groups]
    for group in groups:
        lines += ["", printable(group.kind), *_examples(group)]
    notes = _notes(found)
    return "\n".join([*lines, *([""] if notes else []), *notes])


def render_markdown(found: Outcomes) -> str:
    """For pull requests and tickets."""
    lines = ["# Comparison", "", _headline(found), "", *(f"- {line}" for line in _addresses(found))]
    groups = found.tally.groups()
    if groups:
        lines += ["", "| Difference | Requests | Lines |", "|---|---:|---:|"]
        lines += [f"| {_cell(group.kind)} | {group.requests} | {group.lines} |" for group in groups]
    for group in groups:
        lines += ["", f"## {_cell(group.kind)}", "", "| Place | Request | Where | Old | New |", "|---|---|---|---|---|"]
        for example in group.examples:
            cells = (example.item.place, _request(example), *_told(example))
            lines.append("| " + " | ".join(_code(cell) for cell in cells) + " |")
    notes = _notes(found)
    return "\n".join([*lines, *([""] if notes else []), *(f"- {_cell(note)}" for note in notes)])


def render_json(found: Outcomes) -> str:
    """For programs."""
    tally, reading = found.tally, found.reading
    document = {
        "schema": SCHEMA,
        "old": [str(base) for base in found.sides.old],
        "new": [str(base) for base in found.sides.new],
        "finished": found.finished,
        "requests": tally.requests,
        "lines": tally.lines,
        "different": tally.different,
        "same": tally.requests - tally.different,
        "whitespace_only": tally.blanks,
        "unusable_lines": reading.unusable_count,
        "lines_beyond_limit": reading.beyond_limit,
        "lines_not_sent": dict(reading.unsafe),
        "differences": [
            {
                "kind": group.kind,
                "requests": group.requests,
                "lines": group.lines,
                "examples": [_example_json(example) for example in group.examples],
            }
            for group in tally.groups()
        ],
    }
    return json.dumps(document, indent=2)


def _example_json(example: Example) -> dict[str, object]:
    request = example.item.request
    where, old, new = _told(example)
    return {
        "place": example.item.place,
        "lines": example.item.lines,
        "method": request.method,
        "host": request.host,
        "path": request.target,
        "where": where,
        "old": old,
        "new": new,
    }


def _headline(found: Outcomes) -> str:
    tally = found.tally
    sent = f"{_count(tally.requests, 'request')} from {_count(tally.lines, 'line')} sent to both"
    if not tally.different:
        told = "no difference" if tally.requests else "nothing compared"
    else:
        told = f"{tally.requests - tally.different:,} the same, {tally.different:,} different"
    left = len(found.reading.items) - tally.requests
    return f"{sent}: {told}" + ("" if found.finished else f" (interrupted, {left:,} not sent)")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _addresses(found: Outcomes) -> list[str]:
    return [f"{name} {', '.join(map(str, bases))}" for name, bases in zip(("old", "new"), found.sides, strict=True)]


def _examples(group: Group) -> Iterator[str]:
    for example in group.examples:
        lines = example.item.lines
        repeated = f"  ({lines} lines)" if lines > 1 else ""
        yield f"  {printable(example.item.place)}  {_request(example)}{repeated}"
        if not group.kind.startswith("status"):
            where, old, new = _told(example)
            indent = f"    {printable(where)}: " if where else "    "
            yield f"{indent}{printable(old)} -> {printable(new)}"
    if group.requests > len(group.examples):
        yield f"  and {group.requests - len(group.examples):,} more"


def _request(example: Example) -> str:
    request = example.item.request
    return printable(f"{request.method} {request.host}{request.target}")


def _told(example: Example) -> tuple[str, str, str]:
    found = example.difference
    return found.where, found.old, found.new


def _notes(found: Outcomes) -> list[str]:
    reading, tally = found.reading, found.tally
    notes = []
    if reading.unsafe:
        told = ", ".join(f"{method} {lines:,}" for method, lines in reading.unsafe)
        notes.append(printable(f"not sent, as they may change something: {told} (--all-methods sends them)"))
    if reading.beyond_limit:
        notes.append(f"not sent: {_count(reading.beyond_limit, 'line')} beyond --limit")
    if reading.unusable_count:
        notes.append(f"not usable: {_count(reading.unusable_count, 'line')}")
    if tally.blanks:
        notes.append(
            f"bodies that differ in white space only, not counted: {tally.blanks:,} (--exact-body counts them)"
        )
    for scheme in ("http", "https"):
        if note := _scheme_note(found, scheme):
            notes.append(note)
    if nameless := sum(item.lines for item in reading.items if not item.request.host):
        notes.append(
            f"without a host, so sent with each gateway's own address as Host: {_count(nameless, 'line')} (--host NAME)"
        )
    return notes


def _scheme_note(found: Outcomes, scheme: str) -> str:
    """Said where a scheme was recorded that a gateway is not given for."""
    lines = sum(item.lines for item in found.reading.items if item.request.scheme == scheme)
    missing = [
        name
        for name, bases in zip(("--old", "--new"), found.sides, strict=True)
        if scheme not in {b.scheme for b in bases}
    ]
    if not lines or not missing:
        return ""
    return f"recorded over {scheme}, sent over another scheme: {_count(lines, 'line')} ({' and '.join(missing)} {scheme}://...)"


def printable(text: str) -> str:
    """Without control characters and other invisible ones, and not too long."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 3] + "..."


def _cell(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """A cell of code; GitHub reads | inside of it as the border of the cell, too."""
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    pad = " " if fence == "``" else ""
    return f"{fence}{pad}{printable(text)}{pad}{fence}".replace("|", "\\|")


def places(unusable: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines that are no requests, one message each."""
    for place, problem in unusable:
        yield printable(f"{place}: {problem}")
