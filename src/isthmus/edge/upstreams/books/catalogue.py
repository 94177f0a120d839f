"""The methods of LibraryService about shelves and books, over the shelves of one library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from google.rpc import code_pb2

from isthmus.edge.upstreams.books.seed import CATEGORIES
from isthmus.edge.upstreams.books.shelves import RefusedError, Shelves, invalid
from isthmus.edge.upstreams.grpc_server import Answer, Call
from isthmus.edge.upstreams.proto_source import ProtoSource

_USUAL_PAGE, _LARGEST_PAGE = 50, 1_000


class Catalogue:
    """Methods are named as in the schema, in snake case."""

    def __init__(self, source: ProtoSource, shelves: Shelves) -> None:
        self._source = source
        self._shelves = shelves
        self._empty = source.message("google.protobuf.Empty")

    def answers(self) -> dict[str, Answer]:
        """By method."""
        found: dict[str, Answer] = {
            "ListShelves": lambda _, __: self._new("ListShelvesResponse", shelves=self._shelves.shelves()),
            "GetShelf": lambda request, _: self._shelves.shelf(request.name),
            "CreateShelf": lambda request, _: self._shelves.add_shelf(request.shelf),
            "DeleteShelf": self.delete_shelf,
            "MergeShelves": lambda request, _: self._shelves.merge(request.name, request.other),
            "ListBooks": self.list_books,
            "GetBook": self.get_book,
            "CreateBook": lambda r, _: self._shelves.add_book(r.parent, r.book, r.validate_only),
            "UpdateBook": lambda request, _: self._shelves.change_book(request.book, request.update_mask),
            "DeleteBook": self.delete_book,
            "LendBook": lambda request, _: self._shelves.lend(request.name, request.reader),
            "GetTitle": lambda r, c: self._new("GetTitleResponse", title=self.get_book(r, c).title),
            "ListAuthors": self.list_authors,
            "GetCategory": self.get_category,
            "WatchShelf": self.watch_shelf,
            "AddBooks": self.add_books,
            "Discuss": self.discuss,
            "FindBook": self.find_book,
            "Ping": self.ping,
            "CountBooks": lambda r, _: self._new("CountBooksResponse", count=len(self._wanted(r))),
        }
        return found

    def delete_shelf(self, request: Any, _: Call) -> Any:
        self._shelves.remove_shelf(request.name, request.force)
        return self._empty()

    def list_books(self, request: Any, _: Call) -> Any:
        found = self._wanted(request)
        if request.order:
            found.sort(key=lambda book: (book.title, book.name))
        if request.page_size < 0:
            raise invalid("page_size", "is negative")
        if request.page_token and not request.page_token.isdecimal():
            raise invalid("page_token", "is not one that an answer held")
        start = int(request.page_token or 0)
        end = start + min(request.page_size or _USUAL_PAGE, _LARGEST_PAGE)
        token = str(end) if end < len(found) else ""
        return self._new("ListBooksResponse", books=found[start:end], next_page_token=token)

    def get_book(self, request: Any, _: Call) -> Any:
        if not request.isbn:
            return self._shelves.book(request.name)
        return self._first(lambda book: book.isbn == request.isbn, f"ISBN {request.isbn}")

    def delete_book(self, request: Any, _: Call) -> Any:
        self._shelves.remove_book(request.name)
        return self._empty()

    def list_authors(self, _: Any, __: Call) -> Any:
        authors = {author for book in self._shelves.books("", lambda _: True) for author in book.authors}
        return self._new("ListAuthorsResponse", authors=sorted(authors))

    def get_category(self, request: Any, _: Call) -> Any:
        below: Mapping[str, object] = CATEGORIES
        steps = [step for step in request.path.split("/") if step]
        for step in steps:
            if step not in below:
                raise RefusedError(code_pb2.NOT_FOUND, f"there is no category {request.path}")
            below = cast("Mapping[str, object]", below[step])
        return self._category(steps[-1] if steps else "everything", below)

    def watch_shelf(self, request: Any, call: Call) -> Iterator[Any]:
        call.on_end(self._wake)
        yield from self._shelves.events(request.name, call.ended, request.follow)

    def add_books(self, requests: Iterator[Any], _: Call) -> Any:
        names = [self._shelves.add_book(request.parent, request.book).name for request in requests]
        return self._new("AddBooksResponse", names=names)

    def discuss(self, remarks: Iterator[Any], call: Call) -> Iterator[Any]:
        for remark in remarks:
            call.pause(remark.delay_ms)
            if remark.fail_with:
                raise RefusedError(remark.fail_with, f"{remark.author or 'somebody'} ended the discussion")
            yield self._new("Remark", author=call.replica, text=f"{remark.text}? Go on.")

    def find_book(self, request: Any, _: Call) -> Any:
        wanted = request.title.casefold()
        return self._first(lambda book: wanted in book.title.casefold(), f"book that is called {request.title}")

    def ping(self, _: Any, call: Call) -> Any:
        shown = {key: value for key, value in call.metadata if isinstance(value, str)}
        return self._new("PingResponse", served_by=call.replica, metadata=shown)

    def _new(self, name: str, /, **fields: Any) -> Any:
        return self._source.message(f"library.v1.{name}")(**fields)

    def _first(self, wanted: Callable[[Any], bool], what: str) -> Any:
        found = self._shelves.books("", wanted)
        if not found:
            raise RefusedError(code_pb2.NOT_FOUND, f"there is no {what}")
        return found[0]

    def _wanted(self, request: Any) -> list[Any]:
        return self._shelves.books(request.parent, lambda book: _passes(request.filter, book))

    def _category(self, name: str, below: Mapping[str, object]) -> Any:
        children = [self._category(key, cast("Mapping[str, object]", value)) for key, value in below.items()]
        return self._new("Category", name=name, children=children)

    def _wake(self) -> None:
        with self._shelves.changed:
            self._shelves.changed.notify_all()


def _passes(wanted: Any, book: Any) -> bool:
    """Whether a book passes a filter; parts that are absent pass everything."""
    loan = book.loan_period.ToTimedelta()
    pages = wanted.pages
    return (
        (not wanted.genres or book.genre in wanted.genres)
        and (not wanted.author or wanted.author in book.authors)
        and (not wanted.HasField("created_after") or book.create_time.ToNanoseconds() > _at(wanted.created_after))
        and (not wanted.HasField("loan_at_most") or loan <= wanted.loan_at_most.ToTimedelta())
        and (not wanted.HasField("lent") or book.HasField("loan") == wanted.lent.value)
        and (not pages.HasField("least") or (book.HasField("pages") and book.pages >= pages.least))
        and (not pages.HasField("most") or (book.HasField("pages") and book.pages <= pages.most))
    )


def _at(time: Any) -> int:
    return int(time.ToNanoseconds())
