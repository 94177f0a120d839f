"""The methods of LibraryService about covers and texts: bodies that are not JSON, up and down, whole and in pieces."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from html import escape
from typing import Any

from isthmus.edge.upstreams.books.shelves import Shelves, invalid
from isthmus.edge.upstreams.grpc_server import Answer, Call
from isthmus.edge.upstreams.proto_source import ProtoSource

_PLAIN = "text/plain; charset=utf-8"


class Texts:
    """A book has a cover and a text that are made from its title, until others are stored."""

    def __init__(self, source: ProtoSource, shelves: Shelves) -> None:
        self._body = source.message("google.api.HttpBody")
        self._empty = source.message("google.protobuf.Empty")
        self._written = source.message("library.v1.WriteBookResponse")
        self._shelves = shelves
        self._lock = threading.Lock()
        self._covers: dict[str, Any] = {}
        self._texts: dict[str, bytes] = {}

    def answers(self) -> dict[str, Answer]:
        """By method."""
        return {
            "GetCover": self.get_cover,
            "SetCover": self.set_cover,
            "ReadBook": self.read_book,
            "WriteBook": self.write_book,
        }

    def get_cover(self, request: Any, _: Call) -> Any:
        book = self._shelves.book(request.name)
        with self._lock:
            stored = self._covers.get(book.name)
        return stored or self._body(content_type="image/svg+xml", data=_picture(book.title))

    def set_cover(self, request: Any, _: Call) -> Any:
        book = self._shelves.book(request.name)
        if not request.cover.data:
            raise invalid("cover", "is empty")
        with self._lock:
            self._covers[book.name] = request.cover
        return self._empty()

    def read_book(self, request: Any, call: Call) -> Iterator[Any]:
        book = self._shelves.book(request.name)
        with self._lock:
            text = self._texts.get(book.name) or _text(book.title)
        for index, line in enumerate(text.splitlines(keepends=True)):
            if index:
                call.pause(request.delay_ms)
            yield self._body(content_type=_PLAIN, data=line)

    def write_book(self, requests: Iterator[Any], _: Call) -> Any:
        name, pieces = "", []
        for request in requests:
            name = name or self._shelves.book(request.name).name
            pieces.append(request.text.data)
        if not name:
            raise invalid("name", "is empty")
        text = b"".join(pieces)
        with self._lock:
            self._texts[name] = text
        return self._written(pieces=len(pieces), bytes=len(text))


def _text(title: str) -> bytes:
    return "".join(f"{title}, page {number}\n" for number in range(1, 4)).encode()


def _picture(title: str) -> bytes:
    shape = '<rect width="120" height="180" fill="#245"/><text x="60" y="90" fill="#fff" font-size="8" '
    label = f'text-anchor="middle">{escape(title)}</text>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="180">{shape}{label}</svg>\n'.encode()
