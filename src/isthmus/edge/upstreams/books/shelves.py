"""The books of the example library: in memory, the same at every start, safe to use from several threads.

Knows the messages of examples/grpc/library.proto and nothing of gRPC. Names and times come from counters, never from
the clock or from chance. What cannot be done is a RefusedError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2

from isthmus.edge.upstreams.books.seed import BOOKS, SHELVES
from isthmus.edge.upstreams.proto_source import ProtoSource

DOMAIN = "library.example"
_FIRST_ARRIVAL, _BETWEEN_ARRIVALS = 1_714_564_800, 3_600  # Unix seconds: 2024-05-01T12:00:00Z, then hourly
_EVENT_KINDS = ("PRESENT", "ADDED", "CHANGED", "REMOVED")


class RefusedError(Exception):
    """A request that is refused: a gRPC status, a message, and details that explain it (protobuf messages)."""

    def __init__(self, code: int, message: str, *details: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


class Shelves:
    """All books. Messages that go in and out are copies."""

    def __init__(self, source: ProtoSource) -> None:
        self.changed = threading.Condition()
        self._source = source
        self._book, self._shelf, self._event, self._out_of_stock = (
            source.message(f"library.v1.{name}") for name in ("Book", "Shelf", "BookEvent", "OutOfStock")
        )
        self._shelves: dict[str, Any] = {}
        self._books: dict[str, Any] = {}
        self._events: list[Any] = []
        self._made: dict[str, int] = {}  # collection -> the last number that was given out
        for shelf in SHELVES:
            self.add_shelf(json_format.ParseDict(shelf, self._shelf()))
        for parent, book in BOOKS:
            self.add_book(parent, json_format.ParseDict(book, self._book()))

    def shelves(self) -> list[Any]:
        """By name, with their counts."""
        with self.changed:
            return [self._counted(name) for name in sorted(self._shelves)]

    def shelf(self, name: str) -> Any:
        """Raises RefusedError."""
        with self.changed:
            return self._counted(name)

    def add_shelf(self, shelf: Any) -> Any:
        """A new, empty shelf."""
        with self.changed:
            made = self._shelf(name=self._next("shelves"), theme=shelf.theme)
            self._shelves[made.name] = made
            return self._counted(made.name)

    def remove_shelf(self, name: str, force: bool) -> None:
        """Raises RefusedError where books are on it."""
        with self.changed:
            if self._counted(name).books and not force:
                info = error_details_pb2.PreconditionFailure()
                info.violations.add(type="EMPTY", subject=name, description="remove its books first, or give force")
                raise RefusedError(code_pb2.FAILED_PRECONDITION, f"{name} holds books", info)
            for book in self._on(name):
                self._remove(book.name)
            del self._shelves[name]

    def merge(self, name: str, other: str) -> Any:
        """Move all books of `other`. Raises RefusedError."""
        with self.changed:
            self._counted(name)
            if name == other:
                raise invalid("other", "is the same shelf")
            for book in self._on(self._counted(other).name):
                self._remove(book.name)
                self._place(book, f"{name}/books")
            return self._counted(name)

    def books(self, parent: str, wanted: Callable[[Any], bool]) -> list[Any]:
        """Books of a shelf (of all, where it is empty or `shelves/-`) by name. Raises RefusedError."""
        with self.changed:
            found = self._on("" if parent in ("", "shelves/-") else self._counted(parent).name)
            return [self._copy(book) for book in found if wanted(book)]

    def book(self, name: str) -> Any:
        """Raises RefusedError."""
        with self.changed:
            return self._copy(self._existing(name))

    def add_book(self, parent: str, book: Any, validate_only: bool = False) -> Any:
        """Raises RefusedError."""
        with self.changed:
            self._counted(parent)
            if not book.title:
                raise invalid("book.title", "is empty")
            if validate_only:
                return self._copy(book)
            return self._place(book, f"{parent}/books")

    def change_book(self, book: Any, mask: Any) -> Any:
        """Take over the fields that the mask names; all but name and time without one. Raises RefusedError."""
        with self.changed:
            old = self._existing(book.name)
            changed = self._copy(old if mask.paths else book)
            for path in mask.paths:
                if not type(mask)(paths=[path]).IsValidForDescriptor(book.DESCRIPTOR):
                    raise invalid("update_mask", f"names {path}, which a book does not have")
            mask.MergeMessage(book, changed, replace_message_field=True, replace_repeated_field=True)
            changed.name = old.name
            changed.create_time.CopyFrom(old.create_time)
            return self._store(changed, "CHANGED")

    def remove_book(self, name: str) -> None:
        """Raises RefusedError."""
        with self.changed:
            self._existing(name)
            self._remove(name)

    def lend(self, name: str, reader: str) -> Any:
        """Raises RefusedError where somebody has it."""
        with self.changed:
            book = self._copy(self._existing(name))
            if not reader:
                raise invalid("reader", "is empty")
            if book.WhichOneof("location") == "loan":
                info = error_details_pb2.ErrorInfo(reason="LENT", domain=DOMAIN, metadata={"book": name})
                detail = self._out_of_stock(book=name, lent_to=book.loan.reader)
                raise RefusedError(code_pb2.FAILED_PRECONDITION, f"{book.loan.reader} has {book.title}", info, detail)
            book.loan.reader = reader
            book.loan.due.FromSeconds(_FIRST_ARRIVAL + (book.loan_period.seconds or 14 * 86_400))
            return self._store(book, "CHANGED")

    def events(self, shelf: str, ended: threading.Event, follow: bool) -> Iterator[Any]:
        """What is on a shelf, then what changes until `ended` is set and `changed` notified. Raises RefusedError."""
        with self.changed:
            self._counted(shelf)
            batch: Sequence[Any] = [self._event(kind="PRESENT", book=book) for book in self._on(shelf)]
            seen = len(self._events)
        while True:
            yield from (event for event in batch if event.book.name.startswith(f"{shelf}/"))
            with self.changed:
                while follow and not ended.is_set() and len(self._events) == seen:
                    self.changed.wait()
                if ended.is_set() or not follow:
                    return
                batch, seen = self._events[seen:], len(self._events)

    def _on(self, shelf: str) -> list[Any]:
        found = [book for name, book in self._books.items() if not shelf or name.startswith(f"{shelf}/")]
        return sorted(found, key=lambda book: book.name)

    def _counted(self, name: str) -> Any:
        if name not in self._shelves:
            raise _missing("SHELF", name)
        return self._shelf(name=name, theme=self._shelves[name].theme, books=len(self._on(name)))

    def _existing(self, name: str) -> Any:
        if name not in self._books:
            raise _missing("BOOK", name)
        return self._books[name]

    def _next(self, collection: str) -> str:
        self._made[collection] = self._made.get(collection, 0) + 1
        return f"{collection}/{self._made[collection]}"

    def _place(self, book: Any, collection: str) -> Any:
        placed = self._copy(book)
        placed.name = self._next(collection)
        if not placed.HasField("create_time"):
            placed.create_time.FromSeconds(_FIRST_ARRIVAL + _BETWEEN_ARRIVALS * self._arrivals())
        return self._store(placed, "ADDED")

    def _arrivals(self) -> int:
        return sum(event.kind == _EVENT_KINDS.index("ADDED") for event in self._events)

    def _store(self, book: Any, kind: str) -> Any:
        self._books[book.name] = book
        self._tell(kind, book)
        return self._copy(book)

    def _remove(self, name: str) -> None:
        self._tell("REMOVED", self._books.pop(name))

    def _tell(self, kind: str, book: Any) -> None:
        self._events.append(self._event(kind=kind, book=book))
        self.changed.notify_all()

    def _copy(self, book: Any) -> Any:
        copy = self._book()
        copy.CopyFrom(book)
        return copy


def invalid(field: str, what: str) -> RefusedError:
    """INVALID_ARGUMENT that names a field."""
    detail = error_details_pb2.BadRequest()
    detail.field_violations.add(field=field, description=what)
    return RefusedError(code_pb2.INVALID_ARGUMENT, f"{field} {what}", detail)


def _missing(kind: str, name: str) -> RefusedError:
    info = error_details_pb2.ErrorInfo(reason=f"{kind}_NOT_FOUND", domain=DOMAIN, metadata={"name": name})
    return RefusedError(code_pb2.NOT_FOUND, f"there is no {name or kind.lower() + ' without a name'}", info)
