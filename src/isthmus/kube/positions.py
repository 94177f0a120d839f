"""Line and column of a field, found when somebody asks.

Only the document in question is composed. Rule: always answers; with less precision where a text has changed
since the object was read.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.kube.documents import Document, split
from isthmus.kube.nodes import Node, compose, find
from isthmus.kube.refs import FieldPath, Source, SourcePos


def locate(text: str, source: Source, path: FieldPath) -> SourcePos:
    """The place of a field in the text of its file."""
    return Positions({source.file: text}).of(source, path)


def within(document: Document, file: str, path: FieldPath) -> tuple[SourcePos, str | None]:
    """The place of a field in one document, and its plain scalar as written. Deepest parent where it is absent."""
    root = compose(document.text)
    return (SourcePos(file, document.line), None) if root is None else _at(root, document.line, file, path)


def _at(root: Node, line: int, file: str, path: FieldPath) -> tuple[SourcePos, str | None]:
    start, value = find(root, path)
    return SourcePos(file, line + start.line, start.column + 1), value.written


class Positions:
    """Places in a set of files. Keeps the documents of each file, and the nodes of the last document asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._documents: dict[str, dict[int, Document]] = {}
        self._last: tuple[str, int, Node | None] | None = None

    def of(self, source: Source, path: FieldPath) -> SourcePos:
        """The place of a field of an object: its key in a mapping, its item in a list."""
        root = self._root(source)
        if root is None:
            return SourcePos(source.file, source.line)
        inside = path if source.item < 0 else FieldPath(("items", source.item, *path.steps))
        return _at(root, source.line, source.file, inside)[0]

    def _root(self, source: Source) -> Node | None:
        if self._last is None or self._last[:2] != (source.file, source.line):
            document = self._of(source.file).get(source.line)
            self._last = source.file, source.line, None if document is None else compose(document.text)
        return self._last[2]

    def _of(self, file: str) -> dict[int, Document]:
        if file not in self._documents:
            self._documents[file] = {each.line: each for each in split(self._texts.get(file, ""))}
        return self._documents[file]
