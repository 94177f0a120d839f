"""Line and column of a field, found when somebody asks.

Only the document in question is composed. Rule: always answers; with less precision where a text has changed
since the object was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isthmus.kube.documents import Document, normal, split
from isthmus.kube.lists import mend
from isthmus.kube.nodes import Node, beginning, compose, find
from isthmus.kube.refs import FieldPath, Source, SourcePos


class Positions:
    """Places in a set of files, given as texts; `documents` saves the cutting of those that are cut already.

    Keeps the nodes of the last document asked for, so ask document by document.
    """

    def __init__(self, texts: Mapping[str, str], documents: Mapping[str, Sequence[Document]] | None = None) -> None:
        self._texts = texts
        self._documents = documents or {}
        self._starts: dict[str, tuple[str, dict[int, Document]]] = {}
        self._last: tuple[str, int] | None = None
        self._root: Node | None = None

    def of(self, source: Source, path: FieldPath) -> SourcePos:
        """The place of a field of an object: its key in a mapping, its item in a list, or the deepest parent."""
        if not path.steps and source.item < 0:
            text = self._document(source.file, source.line)
            found = beginning(text) if text else None
            if found is None:
                return SourcePos(source.file, source.line)
            return SourcePos(source.file, source.line + found[0], found[1] + 1)
        if self._last != (source.file, source.line):
            self._last = source.file, source.line
            self._root = self._compose(source.file, source.line)
        if self._root is None:
            return SourcePos(source.file, source.line)
        inside = path if source.item < 0 else FieldPath(("items", source.item, *path.steps))
        start, _ = find(self._root, inside)
        return SourcePos(source.file, source.line + start.line, start.column + 1)

    def _compose(self, file: str, line: int) -> Node | None:
        text = self._document(file, line)
        root = compose(text) if text else None
        mended = mend(text) if text and root is None else None
        return root if mended is None else compose(mended.text)

    def _document(self, file: str, line: int) -> str:
        """The text of the document that begins at a line; empty where there is none any more."""
        if file not in self._starts:
            text = normal(self._texts.get(file, ""))
            documents = self._documents.get(file)
            self._starts[file] = text, {each.line: each for each in (split(text) if documents is None else documents)}
        text, starts = self._starts[file]
        document = starts.get(line)
        return "" if document is None else text[document.start : document.end]
