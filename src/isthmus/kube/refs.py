"""Where something is: an object, a field of it, a place in a file.

These three values travel with everything that Isthmus says about a manifest, so that every message can name
the object, the field and the line. They may not know what the object means.
"""

from __future__ import annotations

import json
import re

from msgspec import Struct

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_STEP = re.compile(r"\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|\.?([A-Za-z_][A-Za-z0-9_-]*)")


class ObjectRef(Struct, frozen=True, order=True, gc=False):
    """Names one object. `namespace` is empty for cluster-scoped kinds; `cluster` is empty for the only cluster."""

    kind: str
    namespace: str
    name: str
    cluster: str = ""

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}" + (f" in {self.cluster}" if self.cluster else "")


class FieldPath(Struct, frozen=True, order=True, gc=False):
    """A path into an object: keys and indexes, printed as `spec.rules[0].http` or `metadata.annotations["a/b"]`."""

    steps: tuple[str | int, ...] = ()

    def __truediv__(self, step: str | int) -> FieldPath:
        return FieldPath((*self.steps, step))

    def __str__(self) -> str:
        parts: list[str] = []
        for step in self.steps:
            if isinstance(step, int):
                parts.append(f"[{step}]")
            elif _PLAIN.match(step):
                parts.append(f".{step}" if parts else step)
            else:
                parts.append(f"[{json.dumps(step)}]")  # one safe line, whatever the key holds
        return "".join(parts)

    @staticmethod
    def parse(text: str) -> FieldPath:
        """Read back what `str` printed. Raises ValueError where the text is not such a path."""
        steps: list[str | int] = []
        at = 0
        while at < len(text):
            found = _STEP.match(text, at)
            if found is None:
                raise ValueError(f"not a field path at offset {at}: {text!r}")
            index, quoted, plain = found.groups()
            if index is not None:
                steps.append(int(index))
            elif quoted is not None:
                steps.append(json.loads(f'"{quoted}"'))
            else:
                steps.append(plain)
            at = found.end()
        return FieldPath(tuple(steps))


ROOT = FieldPath()


def annotation(key: str) -> FieldPath:
    """The path of one annotation."""
    return FieldPath(("metadata", "annotations", key))


class SourcePos(Struct, frozen=True, order=True, gc=False):
    """A place in a file; line and column count from 1. Column 0 means that only the line is known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


class Source(Struct, frozen=True, gc=False):
    """Which document an object was read from: file, number of the document's first line (from 1), index in a List.

    `item` is -1 when the document is the object itself, else its index in `items`.
    """

    file: str
    line: int = 1
    item: int = -1
