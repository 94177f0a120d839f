"""Where the parts of a document stand in its text: what is needed to change one of them and leave the rest alone.

Knows nothing of Kubernetes. Rule: an alias has no parts, because what it stands for is somebody else's text.
"""

from __future__ import annotations

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

from isthmus.kube.nodes import key_of, yaml_of_json
from isthmus.kube.refs import FieldPath
from isthmus.kube.yaml_events import events


class Span(Struct):
    """A node: characters `start` to `end` of the text. `style` is a scalar's: empty, a quote, | or >.

    `entries` are a mapping's, in order, with their keys as decoding has them; `items` a list's. `flow` says that they
    stand in braces or brackets.
    """

    start: int
    end: int
    style: str = ""
    flow: bool = False
    entries: list[Entry] = []
    items: list[Span] = []

    @property
    def open_ended(self) -> bool:
        """Whether it ends only where something else begins, so that blank lines and comments may stand before `end`."""
        return self.style in ("|", ">") or (bool(self.entries or self.items) and not self.flow)


class Entry(Struct):
    """A key of a mapping and its value."""

    name: str
    key: Span
    value: Span


def spans(text: str) -> Span | None:
    """The root of one document, or None where it cannot be read."""
    reading = _Reading()
    try:
        for event in events(yaml_of_json(text) if text.lstrip()[:1] == "{" else text):
            reading.take(event)
    except YAMLError:
        return None
    return reading.root


def node_at(root: Span, path: FieldPath) -> Span | None:
    """The node that a path leads to; None where it does not exist here."""
    node: Span | None = root
    for step in path.steps:
        if node is None:
            return None
        if isinstance(step, int):
            node = node.items[step] if step < len(node.items) else None
        else:
            node = next((each.value for each in node.entries if each.name == step), None)
    return node


class _Reading:
    def __init__(self) -> None:
        self.root: Span | None = None
        self._open: list[tuple[Span, bool]] = []  # with whether it is a mapping
        self._keys: list[tuple[str, Span] | None] = []  # the key that waits for its value, one for each open node

    def take(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, CollectionEndEvent):
            node, _ = self._open.pop()
            self._keys.pop()
            node.end = _end(event)
        elif isinstance(event, NodeEvent):
            node = Span(_start(event), _end(event))
            if isinstance(event, ScalarEvent):
                node.style = event.style or ""
            self._put(node, event)
            if isinstance(event, CollectionStartEvent):
                node.flow = bool(event.flow_style)
                self._open.append((node, isinstance(event, MappingStartEvent)))
                self._keys.append(None)

    def _put(self, node: Span, event: Event) -> None:
        if not self._open:
            self.root = self.root or node
            return
        parent, is_mapping = self._open[-1]
        key = self._keys[-1]
        if not is_mapping:
            parent.items.append(node)
        elif key is None:
            self._keys[-1] = ("" if isinstance(event, AliasEvent) else key_of(event) or "", node)
        else:
            parent.entries.append(Entry(key[0], key[1], node))
            self._keys[-1] = None


def _start(event: Event) -> int:
    return event.start_mark.index if event.start_mark is not None else 0


def _end(event: Event) -> int:
    return event.end_mark.index if event.end_mark is not None else 0
