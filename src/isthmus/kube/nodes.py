"""A document as nodes that know their places; made only when a place is asked for.

Decoding does not keep places, because nodes take ten times the memory of values. Rule: gives None for a document
that cannot be read, because whoever asks has something better to say about it.
"""

from __future__ import annotations

import re

from msgspec import Struct
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from isthmus.kube.refs import FieldPath
from isthmus.kube.scalars import resolve, spelled
from isthmus.kube.yaml_events import events, place

_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class Node(Struct):
    """A value at a place that counts from 0. `written` is a plain scalar as it stands in the file, else None.

    A mapping's children are (key, value) by key, a list's (item, item) by index; `merged` holds what `<<` names.
    """

    line: int
    column: int
    written: str | None = None
    children: dict[str | int, tuple[Node, Node]] = {}
    merged: list[Node] = []


def yaml_of_json(text: str) -> str:
    """JSON that a YAML parser takes: surrogate pairs, which YAML lacks, become letters at the same places."""
    return _PAIR.sub(r"\\u0041\\u0041", text)


def compose(text: str) -> Node | None:
    """The root node of one document, or None."""
    if text.lstrip()[:1] == "{":
        text = yaml_of_json(text)
    composing = _Composing()
    try:
        for event in events(text):
            composing.take(event)
    except YAMLError:
        return None
    return composing.root


def beginning(text: str) -> tuple[int, int] | None:
    """Line and column, from 0, of the root node of one document; nothing is read beyond it."""
    try:
        return next((place(event) for event in events(text) if isinstance(event, NodeEvent)), None)
    except YAMLError:
        return None


class _Composing:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[tuple[Node, bool]] = []  # with whether it is a mapping
        self._keys: list[tuple[str, Node] | None] = []  # the key that waits for its value, one for each open node
        self._anchors: dict[str, Node] = {}

    def take(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, NodeEvent):
            node = Node(*place(event), written_by(event))
            if isinstance(event, AliasEvent):
                node = self._anchors.get(event.anchor or "", node)
            elif event.anchor is not None:
                self._anchors[event.anchor] = node
            self._put(node, event)
            if isinstance(event, CollectionStartEvent):
                self._open.append((node, isinstance(event, MappingStartEvent)))
                self._keys.append(None)

    def _put(self, node: Node, event: Event) -> None:
        if not self._open:
            self.root = self.root or node
            return
        parent, is_mapping = self._open[-1]
        key = self._keys[-1]
        if not is_mapping:
            parent.children[len(parent.children)] = node, node
        elif key is None:
            self._keys[-1] = key_of(event) or "", node
        else:
            self._keys[-1] = None
            if key[1].written == "<<":
                parent.merged.append(node)
            else:
                parent.children.setdefault(key[0], (key[1], node))


def written_by(event: Event) -> str | None:
    """The text of a plain scalar."""
    return event.value if isinstance(event, ScalarEvent) and not event.style else None


def key_of(event: Event) -> str | None:
    """A mapping's key as decoding has it."""
    if not isinstance(event, ScalarEvent):
        return None
    return event.value if event.style else spelled(resolve(event.value))


def find(root: Node, path: FieldPath) -> tuple[Node, Node]:
    """The node where a field starts (its key, or the item of a list) and its value; the deepest that exists."""
    start = value = root
    for step in path.steps:
        found = _step(value, step)
        if found is None:
            break
        start, value = found
    return start, value


def _step(node: Node, step: str | int) -> tuple[Node, Node] | None:
    waiting = [node]
    for _ in range(100):  # a mapping can merge itself; nothing sensible merges that often
        if not waiting:
            break
        node = waiting.pop(0)
        if step in node.children:
            return node.children[step]
        for each in node.merged:
            waiting.extend([item for item, _ in each.children.values()] if 0 in each.children else [each])
    return None


def first_of_two(text: str, line: int, column: int) -> int | None:
    """The line (from 0) of the key that the key at a place repeats. Reads no further than that place."""
    mappings: list[dict[str, int] | None] = []  # None for lists
    at_key: list[bool] = []
    for event in events(text):
        if isinstance(event, CollectionEndEvent):
            mappings.pop()
            at_key.pop()
        if not isinstance(event, NodeEvent):
            continue
        keys = mappings[-1] if mappings else None
        if keys is not None:
            if at_key[-1]:
                here = place(event)
                if here == (line, column):
                    return keys.get(key_of(event) or "")
                keys.setdefault(key_of(event) or "", here[0])
            at_key[-1] = not at_key[-1]
        if isinstance(event, CollectionStartEvent):
            mappings.append({} if isinstance(event, MappingStartEvent) else None)
            at_key.append(True)
    return None
