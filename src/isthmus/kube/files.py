"""One file's text, its documents and what they hold; made from an earlier state of the file where there is one.

Rule: the result is the same as from scratch, and costs what changed.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from isthmus.kube.decode import Decoded, decode_document
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.documents import Document, normal, split
from isthmus.kube.objects import Base
from isthmus.kube.positions import Positions

_AHEAD = 6  # characters after a document that decide that it ends there: a line break, ---, a blank, and one to spare

_BLOCK = 65536  # characters that are compared at once; a power of two


class File(Struct, frozen=True):
    """One file, decoded. A `fault` says why it could not be read; then it has no documents."""

    path: str
    text: str = ""
    documents: tuple[Document, ...] = ()
    decoded: tuple[Decoded, ...] = ()
    fault: Diagnostic | None = None


def positions_in(files: Mapping[str, File]) -> Positions:
    """Places in files."""
    texts = {path: file.text for path, file in files.items()}
    return Positions(texts, {path: file.documents for path, file in files.items()})


def decode_file(path: str, text: str, before: File | None = None) -> File:
    """Decode a file; documents that the earlier state of the file had are not parsed again."""
    text = normal(text)
    if before is None or not before.documents:
        documents = split(text)
        return File(path, text, documents, tuple(_decode(path, text, each) for each in documents))
    if text == before.text:
        return before
    first, rest = _untouched(before, text)
    documents, by = _cut(before, text, first, rest)
    known = {
        before.text[each.start : each.end]: index for index, each in enumerate(before.documents[first:rest], first)
    }
    decoded = list(before.decoded[:first])
    for each in documents[first : len(documents) - len(before.documents) + rest]:
        index = known.get(text[each.start : each.end])
        if index is None:
            decoded.append(_decode(path, text, each))
        else:
            moved_by = each.line - before.documents[index].line
            decoded.append(_moved(before.decoded[index], each, moved_by, path, text))
    last = before.decoded[rest:]
    if by:
        last = tuple(_moved(*each, by, path, text) for each in zip(last, documents[len(decoded) :], strict=True))
    return File(path, text, documents, (*decoded, *last))


def _decode(path: str, text: str, document: Document) -> Decoded:
    return decode_document(path, text[document.start : document.end], document.line)


def _untouched(before: File, text: str) -> tuple[int, int]:
    """How many of the documents before stay at the front, and the index from which on they stay at the end."""
    old, documents = before.text, before.documents
    if text.startswith("%") or ("%" in text and "\n%" in text):
        return 0, len(documents)  # a directive reaches beyond its lines
    head = _common(old, text)
    first = bisect.bisect_right(documents, head - _AHEAD, key=lambda each: each.end)
    tail = _common_end(old, text, min(len(old), len(text)) - head)
    rest = bisect.bisect_left(documents, len(old) - tail + 1, first, key=lambda each: each.start)
    while rest < len(documents) and not old.startswith("---", documents[rest].start):
        rest += 1  # where it starts depends on what is before it
    return first, rest


def _common(one: str, other: str) -> int:
    """The length of what two texts start with in common."""
    at, step = 0, _BLOCK
    while step:
        while one[at : at + step] == other[at : at + step] and at + step <= min(len(one), len(other)):
            at += step
        step //= 2
    return at


def _common_end(one: str, other: str, most: int) -> int:
    """The length, up to a limit, of what two texts end with in common."""
    one, other = one[len(one) - most :], other[len(other) - most :]
    at, step = most, _BLOCK
    while step:
        while at >= step and one[at - step : at] == other[at - step : at]:
            at -= step
        step //= 2
    return most - at


def _cut(before: File, text: str, first: int, rest: int) -> tuple[tuple[Document, ...], int]:
    """The documents of the text, where those before `first` and from `rest` on are as before; how many lines the
    latter moved by."""
    head, tail = before.documents[:first], before.documents[rest:]
    start, line = 0, 1
    if head:
        start, line = head[-1].end + 1, head[-1].line + text.count("\n", head[-1].start, head[-1].end) + 1
    if not tail:
        return (*head, *split(text, start, line=line)), 0
    shift = len(text) - len(before.text)
    end = tail[0].start + shift
    by = line + text.count("\n", start, end) - tail[0].line
    if shift or by:
        tail = tuple(Document(each.line + by, each.start + shift, each.end + shift) for each in tail)
    return (*head, *split(text, start, end - 1, line), *tail), by


def _moved(decoded: Decoded, document: Document, by: int, path: str, text: str) -> Decoded:
    """What a document holds that moved by some lines."""
    if not by:
        return decoded
    if decoded.diagnostics:  # they name lines, in their words too
        return _decode(path, text, document)
    unused = tuple(replace(each, pos=replace(each.pos, line=each.pos.line + by)) for each in decoded.unused)
    return replace(decoded, objects=tuple(_shifted(obj, by) for obj in decoded.objects), unused=unused)


def _shifted(obj: Base, by: int) -> Base:
    assert obj.source is not None
    return replace(obj, source=replace(obj.source, line=obj.source.line + by))
