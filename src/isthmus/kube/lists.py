"""The items of a List that cannot be read as a whole: which of them are at fault, so that the others are read.

Goes by indentation, as people and kubectl write Lists, and looks closer only at documents that are broken. Rule: the
text that is left has every item at its place, on its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from isthmus.kube.yaml import LIST, Problem, parse

_YAML_ITEMS = re.compile(r"^items:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( *)-[ \n]", re.MULTILINE)
_JSON_ITEMS = re.compile(r'^[ \t]*"items"[ \t]*:[ \t]*\[[ \t]*\n([ \t]*)\{', re.MULTILINE)


class Mended(Struct, frozen=True):
    """A List without the items that cannot be read: their numbers, and why."""

    text: str
    broken: dict[int, Problem]


def mend(text: str, line: int = 1) -> Mended | None:
    """A List with null in place of what cannot be read; None where that does not help."""
    if not LIST.search(text):
        return None
    lines = text.split("\n")
    broken: dict[int, Problem] = {}
    for number, (first, last) in enumerate(_items(text, lines)):
        item = "\n".join(lines[first:last])
        is_json = item.lstrip().startswith("{")
        problem = parse(item.rstrip().rstrip(",") if is_json else item, line + first).problem
        if problem is not None:
            broken[number] = problem
            indent = item[: len(item) - len(item.lstrip())]
            comma = "," if is_json and item.rstrip().endswith(",") else ""
            lines[first:last] = [indent + ("null" if is_json else "- null") + comma] + [""] * (last - first - 1)
    return Mended("\n".join(lines), broken) if broken else None


def _items(text: str, lines: list[str]) -> Iterator[tuple[int, int]]:
    """The first line of each item, and the line after its last."""
    is_json = text.lstrip().startswith("{")
    found = (_JSON_ITEMS if is_json else _YAML_ITEMS).search(text)
    if found is None:
        return
    indent = found[1]
    starts = re.compile(re.escape(indent) + (r"\{" if is_json else r"-(?: |$)"))
    inside = re.compile(re.escape(indent) + r"[\s}]|\s*$" if is_json else re.escape(indent) + r"\s|\s*(?:#|$)")
    first = text.count("\n", 0, found.start(1))
    for at in range(first + 1, len(lines) + 1):
        ends = at == len(lines) or not inside.match(lines[at])
        if ends:
            yield first, at
            first = at
            if at == len(lines) or not starts.match(lines[at]):
                return
