"""TrialService of examples/grpc/trials.proto: failures with details, slow streams, large answers, every kind of field.

The request says what happens; there is no state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import any_pb2
from google.rpc import error_details_pb2

from isthmus.edge.upstreams.books.shelves import DOMAIN, RefusedError, invalid
from isthmus.edge.upstreams.grpc_server import Answer, Call
from isthmus.edge.upstreams.proto_source import ProtoSource

_LARGEST = 64 * 1024 * 1024  # bytes of an answer


class Trials:
    """Every method does what its request says."""

    def __init__(self, source: ProtoSource) -> None:
        self._tick, self._total, self._filling, self._out_of_stock = (
            source.message(f"library.v1.{name}") for name in ("Tick", "Total", "Filling", "OutOfStock")
        )
        self._empty = source.message("google.protobuf.Empty")

    def answers(self) -> dict[str, Answer]:
        """By method."""
        return {
            "Mirror": lambda request, _: request,
            "MirrorBody": lambda request, _: request,
            "Fail": self.fail,
            "Count": self.count,
            "Sum": self.sum,
            "Bounce": self.bounce,
            "Fill": self.fill,
        }

    def fail(self, request: Any, call: Call) -> Any:
        call.pause(request.delay_ms)
        self._refuse_if_asked(request)
        return self._empty()

    def count(self, request: Any, call: Call) -> Iterator[Any]:
        for number in range(1, (request.count or 3) + 1):
            call.pause(request.delay_ms)
            yield self._tick(number=number)
        self._refuse_if_asked(request)

    def sum(self, ticks: Iterator[Any], _: Call) -> Any:
        numbers = []
        for tick in ticks:
            _refuse(tick)
            numbers.append(tick.number)
        return self._total(sum=sum(numbers), count=len(numbers))

    def bounce(self, ticks: Iterator[Any], _: Call) -> Iterator[Any]:
        for tick in ticks:
            _refuse(tick)
            yield tick

    def fill(self, request: Any, _: Call) -> Any:
        if not 0 <= request.size <= _LARGEST:
            raise invalid("size", f"is not between 0 and {_LARGEST}")
        return self._filling(text="x" * request.size)

    def _refuse_if_asked(self, trouble: Any) -> None:
        if trouble.fail_with:
            message = trouble.message or f"asked to fail with {trouble.fail_with}"
            found = self._details()
            raise RefusedError(trouble.fail_with, message, *(found[kind] for kind in trouble.details if kind in found))

    def _details(self) -> dict[int, Any]:
        """By the numbers of Trouble.Detail."""
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field="book.title", description="is too long")
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromSeconds(2)
        return {
            0: error_details_pb2.ErrorInfo(reason="ASKED", domain=DOMAIN, metadata={"why": "a trial"}),
            1: bad,
            2: retry,
            3: self._out_of_stock(book="shelves/2/books/1", lent_to="Ada"),
            4: any_pb2.Any(type_url="type.googleapis.com/library.v9.Unheard", value=b"\x08\x07"),
        }


def _refuse(tick: Any) -> None:
    if tick.fail_with:
        raise RefusedError(tick.fail_with, f"asked to fail with {tick.fail_with}")
