"""A file's text cut into documents, so that a broken document spoils only itself.

A line that starts with `---` or `...` and then ends or goes on with a blank cannot stand inside a YAML scalar
(YAML 1.1, 9.2), so no parsing is needed. Rule: joining the texts loses nothing but the `...` lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

_BLANK = ("", " ", "\t", "\n")


class Document(Struct, frozen=True, gc=False):
    """One document with the number of its first line, from 1. Its `---` line belongs to it."""

    line: int
    text: str


def split(text: str) -> tuple[Document, ...]:
    """The documents of a text in order; those without any content are left out."""
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    line = 1
    documents: list[Document] = []
    for piece in _pieces(text):
        if piece[:99].strip("- \t\n") or piece.removeprefix("---").strip():
            documents.append(Document(line, piece))
        line += piece.count("\n") + 1
    return tuple(documents)


def _pieces(text: str) -> Iterator[str]:
    """Cut before each marker line; the line break before it is cut out, so each piece ends one line."""
    held: str | None = None
    for index, part in enumerate(text.split("\n---")):
        if index == 0:
            held = part
            continue
        assert held is not None
        no_marker = part[:1] not in _BLANK  # such as -----BEGIN CERTIFICATE-----
        if no_marker or (held.startswith("%") and _only_directives(held)):
            held += "\n---" + part
        else:
            yield from _ends(held)
            held = "---" + part
    if held:
        yield from _ends(held)


def _ends(piece: str) -> Iterator[str]:
    """Cut at `...` lines, which end a document; a blank line stands in for each, so that the count stays right."""
    if "..." not in piece:
        yield piece
        return
    lines: list[str] = []
    for line in piece.split("\n"):
        if line.startswith("...") and line[3:4] in _BLANK:
            if lines:
                yield "\n".join(lines)
            lines = [""]
        else:
            lines.append(line)
    yield "\n".join(lines)


def _only_directives(piece: str) -> bool:
    return all(line[:1] in ("%", "#", "") for line in piece.split("\n"))
