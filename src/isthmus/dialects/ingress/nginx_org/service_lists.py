"""Lists that say something about single Services: `serviceName=NAME word word;serviceName=...`.

Knows the form and no words. Rule: an entry of another form has no service, so that it cannot be taken for one.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """What is said about one Service; `text` is the entry as written."""

    service: str
    words: tuple[str, ...]
    text: str


def entries(text: str, separator: str) -> tuple[Entry, ...]:
    """The entries of a list, in order, empty ones left out."""
    return tuple(_entry(part.strip()) for part in text.split(separator) if part.strip())


def _entry(text: str) -> Entry:
    first, *words = text.split()
    name, equals, service = first.partition("=")
    return Entry(service if name == "serviceName" and equals and "=" not in service else "", tuple(words), text)
