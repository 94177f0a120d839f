"""The items of a List that cannot be read as a whole: which of them are at fault, so that the others are read.

Goes by indentation, as people and kubectl write Lists, or by the brackets of JSON, and looks closer only at documents
that are broken. Rule: the text that is left has every item at its place, on its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from isthmus.kube.yaml import LIST, Problem, parse

_YAML_ITEMS = re.compile(r"^items:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( *)-[ \n]", re.MULTILINE)
_JSON_ITEMS = re.compile(r'^[ \t]*"items"[ \t]*:[ \t]*\[[ \t]*\n([ \t]*)\{', re.MULTILINE)
_JSON_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|[{}\[\],]')
_JSON_LIST = re.compile(r'[{,]\s*"kind"\s*:\s*"\w*List"')
_IN_ITEMS = 2  # how deep their list is


class Mended(Struct, frozen=True):
    """A List without the items that cannot be read: their numbers, and why."""

    text: str
    broken: dict[int, Problem]


def mend(text: str, line: int = 1) -> Mended | None:
    """A List with null in place of what cannot be read; None where that does not help."""
    return (_mend_lines(text, line) if LIST.search(text) else None) or _mend_json(text, line)


def _mend_lines(text: str, line: int) -> Mended | None:
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


def _mend_json(text: str, line: int) -> Mended | None:
    """As machines write JSON: several items on a line. Where brackets do not match, nobody can tell them apart."""
    items = list(_json_items(text))
    if not items or not _JSON_LIST.search(text[: items[0][0]] + text[items[-1][1] :]):
        return None
    broken: dict[int, Problem] = {}
    left, end = "", 0
    for number, (first, last) in enumerate(items):
        column = first - text.rfind("\n", 0, first) - 1
        problem = parse(" " * column + text[first:last], line + text.count("\n", 0, first)).problem
        if problem is not None:
            broken[number] = problem
            left += text[end:first] + "null" + re.sub(r"[^\n]", " ", text[first + len("null") : last])
            end = last
    return Mended(left + text[end:], broken) if broken else None


def _json_items(text: str) -> Iterator[tuple[int, int]]:
    """Where each item begins, and where it ends."""
    depth, first, key = 0, -1, ""
    if not text.lstrip().startswith("{"):
        return
    for found in _JSON_TOKEN.finditer(text):
        token = found[0]
        if token in ("{", "["):
            depth += 1
            if depth == _IN_ITEMS and token == "[" and key == '"items"':
                first = found.end()
        elif token in ("}", "]", ","):
            if depth == _IN_ITEMS and first >= 0:
                item = text[first : found.start()]
                if item.strip():
                    yield first + len(item) - len(item.lstrip()), first + len(item.rstrip())
                first = found.end()
            depth -= token != ","
            if first >= 0 and depth < _IN_ITEMS:
                return
        elif depth == 1 and token != ":":
            key = token
