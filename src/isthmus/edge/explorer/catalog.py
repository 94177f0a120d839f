"""What the explorer is told: which servers there are, how to reach them, and what they offer.

The Catalog is asked anew for every request, so it must be cheap to ask. Rule: nothing here knows where schemas come
from or how they are kept fresh.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from isthmus.schema.model import Schema


class Upstream(Struct, frozen=True):
    """One server to call. `name` is unique among all and stands in the page's addresses.

    `target` is what gRPC dials, in clear: HOST:PORT or unix:PATH. `metadata` is added to every call and `authority`,
    if given, is its :authority. `state` is for people; `stale` says that it is not as it should be. No `schema` means
    that there is nothing to call yet.
    """

    name: str
    target: str
    metadata: tuple[tuple[str, str], ...] = ()
    schema: Schema | None = None
    state: str = ""
    stale: bool = False
    authority: str = ""


class Catalog(Protocol):
    """Everything that can be called now."""

    @property
    def version(self) -> str:
        """Another text whenever anything that `services` says has changed."""

    @property
    def public_url(self) -> str:
        """Where clients reach these servers, for the lines to copy: http://127.0.0.1:8080."""

    def services(self) -> tuple[Upstream, ...]:
        """The servers, in the order to show them."""


def find(catalog: Catalog, name: str) -> Upstream | None:
    """The upstream of this name; the first of all where no name is given."""
    found = catalog.services()
    return next((each for each in found if each.name == name or not name), None)
