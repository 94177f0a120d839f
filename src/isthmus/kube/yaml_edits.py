"""Changes of single entries of mappings in a YAML or JSON text, to the letter: everything else stays as it is written.

Comments, blank lines, quotes, indentation and the order of keys are their author's. Rule: gives None where a change
cannot be made that way, for a human to make it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from isthmus.kube.documents import split
from isthmus.kube.refs import FieldPath, Source
from isthmus.kube.scalars import resolve
from isthmus.kube.yaml_spans import Entry, Span, node_at, spans


class Drop(Struct, frozen=True):
    """Leave out entries of a mapping; a mapping that would be empty is left out itself."""

    mapping: FieldPath
    keys: frozenset[str]


class Rename(Struct, frozen=True):
    """Another key in the place of one and, unless it is None, another value."""

    mapping: FieldPath
    key: str
    new: str
    value: str | None = None


class Put(Struct, frozen=True):
    """A new first entry of a mapping that has entries."""

    mapping: FieldPath
    key: str
    value: str


Edit = Drop | Rename | Put


class _Piece(NamedTuple):
    """Characters that give way to others."""

    start: int
    end: int
    text: str


def edited(text: str, changes: Iterable[tuple[Source, Sequence[Edit]]]) -> str | None:
    """A file's text with changes of objects in it; None where one of them cannot be made."""
    by_line: dict[int, list[Edit]] = {}
    for source, edits in changes:
        inside = FieldPath(()) if source.item < 0 else FieldPath(("items", source.item))
        by_line.setdefault(source.line, []).extend(_moved(each, inside) for each in edits)
    pieces: list[_Piece] = []
    for document in split(text):
        found = _pieces(text[document.start : document.end], by_line.pop(document.line, ()))
        if found is None:
            return None
        pieces += [_Piece(each.start + document.start, each.end + document.start, each.text) for each in found]
    return None if by_line else _cut(text, pieces)


def _moved(edit: Edit, inside: FieldPath) -> Edit:
    mapping = FieldPath((*inside.steps, *edit.mapping.steps))
    match edit:
        case Drop():
            return Drop(mapping, edit.keys)
        case Rename():
            return Rename(mapping, edit.key, edit.new, edit.value)
        case Put():
            return Put(mapping, edit.key, edit.value)


def _cut(text: str, pieces: list[_Piece]) -> str | None:
    """The text with the pieces in it; None where they overlap."""
    parts: list[str] = []
    at = 0
    for piece in sorted(pieces):
        if piece.start < at:
            return None
        parts += [text[at : piece.start], piece.text]
        at = piece.end
    return "".join([*parts, text[at:]])


def _pieces(text: str, edits: Sequence[Edit]) -> list[_Piece] | None:
    root = spans(text) if edits else None
    pieces: list[_Piece] = []
    for edit in edits:
        mapping = node_at(root, edit.mapping) if root is not None else None
        if root is None or mapping is None or not mapping.entries:
            return None
        match edit:
            case Drop():
                found = _dropped(text, root, mapping, edit)
            case Rename():
                found = _renamed(text, mapping, edit)
            case Put():
                found = _put(text, mapping, edit)
        if found is None:
            return None
        pieces += found
    return pieces


def _dropped(text: str, root: Span, mapping: Span, edit: Drop) -> list[_Piece] | None:
    places = [place for place, each in enumerate(mapping.entries) if each.name in edit.keys]
    if len(places) != len(edit.keys):
        return None
    if len(places) < len(mapping.entries):
        return _without_flow(mapping, places) if mapping.flow else _without_lines(text, mapping, places)
    steps = edit.mapping.steps
    parent = node_at(root, FieldPath(steps[:-1]))
    own = next((place for place, each in enumerate(parent.entries) if each.name == steps[-1]), -1) if parent else -1
    if parent is None or own < 0 or len(parent.entries) == 1:
        return None
    if parent.flow:
        return _without_flow(parent, [own])
    head = _lines_of(text, parent.entries[own])
    if mapping.flow or head is None:
        return None if head is None else [head]
    inner = _without_lines(text, mapping, places)  # comments between the entries stay
    line_end = text.find("\n", head.start, head.end) + 1
    return None if inner is None or not line_end else [_Piece(head.start, line_end, ""), *inner]


def _without_lines(text: str, mapping: Span, places: Sequence[int]) -> list[_Piece] | None:
    found = [_lines_of(text, mapping.entries[place]) for place in places]
    return [each for each in found if each is not None] if all(found) else None


def _lines_of(text: str, entry: Entry) -> _Piece | None:
    """The lines of a block mapping's entry; None where it shares its first line with something else."""
    start = text.rfind("\n", 0, entry.key.start) + 1
    if text[start : entry.key.start].strip(" "):
        return None
    end = text.find("\n", max(entry.key.end, entry.value.end - entry.value.open_ended))
    lines = text[start : len(text) if end < 0 else end + 1].split("\n")
    if entry.value.open_ended:
        while len(lines) > 2 and not _belongs(lines[-2], entry.key.start - start):
            del lines[-2]
    return _Piece(start, start + len("\n".join(lines)), "")


def _belongs(line: str, column: int) -> bool:
    """Whether a line is part of a value whose key is at a column: neither blank nor a comment about what follows."""
    inner = line.lstrip(" ")
    return bool(inner) and (len(line) - len(inner) > column or inner.startswith("-"))


def _without_flow(mapping: Span, places: Sequence[int]) -> list[_Piece]:
    """Entries in braces go with the comma after them or, of the last ones, with the one before."""
    entries = mapping.entries
    kept = [place for place in range(len(entries)) if place not in places]
    if not kept:
        return [_Piece(entries[0].key.start, entries[-1].value.end, "")]
    pieces = [
        _Piece(entries[place].key.start, entries[place + 1].key.start, "") for place in places if place < kept[-1]
    ]
    if kept[-1] < len(entries) - 1:
        pieces.append(_Piece(entries[kept[-1]].value.end, entries[-1].value.end, ""))
    return pieces


def _renamed(text: str, mapping: Span, edit: Rename) -> list[_Piece] | None:
    entry = next((each for each in mapping.entries if each.name == edit.key), None)
    if entry is None:
        return None
    quote = text[entry.key.start]
    new = f"{quote}{edit.new}{quote}" if quote in "\"'" else edit.new
    key = _Piece(entry.key.start, entry.key.end, new)
    if edit.value is None:
        return [key]
    value = _Piece(entry.value.start, entry.value.end, json.dumps(edit.value))
    return None if entry.value.open_ended else [key, value]


def _put(text: str, mapping: Span, edit: Put) -> list[_Piece] | None:
    first = mapping.entries[0].key.start
    quoted = text[first] == '"'
    plain = not quoted and resolve(edit.value) == edit.value and all(c.isalnum() or c in ".-" for c in edit.value)
    entry = f"{json.dumps(edit.key) if quoted else edit.key}: {edit.value if plain else json.dumps(edit.value)}"
    if mapping.flow:
        return [_Piece(first, first, f"{entry}, ")]
    start = text.rfind("\n", 0, first) + 1
    indent = text[start:first]
    return None if indent.strip(" ") else [_Piece(start, start, f"{indent}{entry}\n")]
