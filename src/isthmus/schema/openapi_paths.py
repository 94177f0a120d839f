"""HTTP path templates as OpenAPI paths, and which operation stands where.

OpenAPI's `{name}` is one segment. A variable of several, `{name=shelves/*/books/*}`, becomes its literals and one
parameter for each wildcard, named after the literal before it: `shelves/{name.shelves}/books/{name.books}`. Two paths
that differ only in names are one; a second operation of the same verb there gets a fragment, which no client sends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from isthmus.schema.httprule import ONE, REST, Template, Variable

OpenApi = dict[str, object]
METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
# A JSON name may have any character in it, braces too.
_ODD = re.compile(r"[^A-Za-z0-9_.-]")
# As OpenAPI 3.2 has it; before that, an extension.
OTHER_METHODS = "x-additionalOperations"


class Slot(NamedTuple):
    """A `{name}` in a path: one segment, or all that follow if it is `rest`.

    `variable` is what it is part of, None for a wildcard of no field; `whole` says that it is all of it.
    """

    name: str
    variable: Variable | None
    rest: bool
    whole: bool


class Place(NamedTuple):
    """Where an operation stands."""

    path: str
    slots: tuple[Slot, ...]


class Paths:
    """The paths of one document; `items` is the OpenAPI object."""

    def __init__(self) -> None:
        self.items: dict[str, OpenApi] = {}
        self._places: dict[str, Place] = {}  # by the path without the names in it

    def place(self, verb: str, template: Template, spelled: Mapping[str, str], tag: str) -> Place:
        """A place where no other operation stands. `spelled` are the shown names of dotted field paths."""
        own = placed(template, spelled)
        shape = _shape(own)
        first = self._places.setdefault(shape, own)
        if not self._taken(verb, first.path):
            slots = zip(own.slots, first.slots, strict=True)
            return Place(first.path, tuple(slot._replace(name=named.name) for slot, named in slots))
        path, number = f"{own.path}#{tag}", 1
        while self._taken(verb, path):
            number += 1
            path = f"{own.path}#{tag}.{number}"
        return Place(path, own.slots)

    def add(self, verb: str, place: Place, operation: OpenApi) -> None:
        """Put an operation at a place of its verb. Verbs that OpenAPI does not know go into an extension."""
        item = self.items.setdefault(place.path, {})
        if verb in METHODS:
            item[verb.lower()] = operation
            return
        others = item.setdefault(OTHER_METHODS, {})
        if isinstance(others, dict):
            others[verb] = operation
            verbs = ", ".join("any other method" if each == "*" else each for each in others)
            item["description"] = f"Also answers {verbs}, which OpenAPI has no name for: see `{OTHER_METHODS}`."

    def _taken(self, verb: str, path: str) -> bool:
        item = self.items.get(path, {})
        others = item.get(OTHER_METHODS)
        return verb.lower() in item if verb in METHODS else isinstance(others, dict) and verb in others


def placed(template: Template, spelled: Mapping[str, str]) -> Place:
    """A template as an OpenAPI path, with what stands for each `{name}` in it."""
    slots: list[Slot] = []
    parts: list[str] = []
    for at, segment in enumerate(template.segments):
        if segment in (ONE, REST):
            variable = next((v for v in template.variables if v.start <= at < v.start + len(v.segments)), None)
            name = _unused(_name(variable, at, spelled), slots)
            slots.append(Slot(name, variable, segment == REST, variable is not None and len(variable.segments) == 1))
            parts.append(f"{{{name}}}")
        else:
            parts.append(segment)
    verb = f":{template.verb}" if template.verb else ""
    return Place("/" + "/".join(parts) + verb, tuple(slots))


def _name(variable: Variable | None, at: int, spelled: Mapping[str, str]) -> str:
    if variable is None:
        return f"segment{at + 1}"
    name = _ODD.sub("_", spelled.get(variable.name, variable.name))
    if len(variable.segments) == 1:
        return name
    before = variable.segments[: at - variable.start]
    literal = before[-1] if before and before[-1] not in (ONE, REST) else str(len(before) + 1)
    return f"{name}.{_ODD.sub('_', literal)}"


def _unused(name: str, slots: list[Slot]) -> str:
    used = {slot.name for slot in slots}
    numbered, number = name, 1
    while numbered in used:
        number += 1
        numbered = f"{name}.{number}"
    return numbered


def _shape(place: Place) -> str:
    shape = place.path
    for slot in place.slots:
        shape = shape.replace(f"{{{slot.name}}}", "{}", 1)
    return shape
