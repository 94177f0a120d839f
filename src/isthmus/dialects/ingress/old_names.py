"""Annotations under names that their controller has given up: what to write instead.

They are not translated, as their controller no longer does; `isthmus migrate` says what they are called now. Some
old names still count and are declared like any other; those are here too, so that they can be replaced.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class OldName(Struct, frozen=True, gc=False):
    """What became of a name. `now` is the key to write instead; empty: there is none, and `why` says more.

    `values` turns old values (lower case) into new ones, None being nothing at all; without it the value is kept.
    With `idle` no value asks for anything.
    """

    why: str
    now: str = ""
    values: Mapping[str, str | None] | None = None
    idle: bool = False

    def asks_nothing(self, old: str) -> bool:
        """Whether the annotation can be left out."""
        return self.idle or (self.values is not None and self.values.get(_word(old), "") is None)

    def value(self, old: str) -> str | None:
        """The value of the new key; None where only the author can tell."""
        return old if self.values is None else self.values.get(_word(old))


def _word(value: str) -> str:
    return value.strip().lower()
