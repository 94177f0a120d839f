"""A file's text cut into documents, so that a broken document spoils only itself.

A line that starts with `---` or `...` and then ends or goes on with a blank cannot stand inside a YAML scalar
(YAML 1.1, 9.2), so no parsing is needed. Rule: a cut depends on nothing but the lines around it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

_BLANK = ("", " ", "\t", "\n")


class Document(Struct, frozen=True, gc=False):
    """One document: the number of its first line, from 1, and its span in the text. Its `---` line belongs to it."""

    line: int
    start: int
    end: int


def normal(text: str) -> str:
    """The text without a byte order mark and with line feeds as its only line breaks."""
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split(text: str, start: int = 0, end: int | None = None, line: int = 1) -> tuple[Document, ...]:
    """The documents of a normal text, or of a part that starts on a line of its own; empty ones are left out."""
    documents: list[Document] = []
    end = len(text) if end is None else end
    for first, last in _pieces(text, start, end):
        if text[first : min(last, first + 99)].strip("- \t\n") or text[first:last].removeprefix("---").strip():
            documents.append(Document(line, first, last))
        line += text.count("\n", first, last) + 1
    return tuple(documents)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans between marker lines. Each ends before a line break, so it stands for one line more than it has breaks."""
    at = start - 1
    while (at := text.find("\n---", at + 1, end)) >= 0:
        if text[at + 4 : at + 5] not in _BLANK:
            continue  # such as -----BEGIN CERTIFICATE-----
        if text.startswith("%", start) and _only_directives(text[start:at]):
            continue
        yield from _ended(text, start, at)
        start = at + 1
    if start < end:
        yield from _ended(text, start, end)


def _ended(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut at `...` lines, which end a document. The marker's line is a piece of its own, `...` cut off."""
    at = start
    while (at := text.find("...", at, end)) >= 0:
        if (at == start or text[at - 1] == "\n") and text[at + 3 : at + 4] in _BLANK:
            if at > start:
                yield start, at - 1
            start = at + 3
        at += 3
    yield start, end


def _only_directives(piece: str) -> bool:
    return all(line[:1] in ("%", "#", "") for line in piece.split("\n"))
