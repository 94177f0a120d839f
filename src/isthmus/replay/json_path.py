"""Places in a JSON document: `$.a.b[0]`, `$.items[*].id`, `$['odd name']`; and which of them a rule leaves out.

A subset of RFC 9535 with names, indices and `*`. Rule: a path that cannot be read is refused, never matched loosely.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Step = str | int | None  # a name, an index, or None for *
Place = tuple[str | int, ...]

_STEP = re.compile(r"""\.?(?:(\*)|([A-Za-z_][\w-]*))|\[(?:(\*)|(\d{1,9})|'([^']*)'|"([^"]*)")\]""")
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")


class JsonPath(NamedTuple):
    """A path; everything below what it names belongs to it."""

    steps: tuple[Step, ...]

    def covers(self, place: Place) -> bool:
        """Whether a place is what it names."""
        return len(place) == len(self.steps) and all(
            step is None or step == found for step, found in zip(self.steps, place, strict=True)
        )


def parse_json_path(text: str) -> JsonPath | None:
    """The path of a text; the `$` may be left out. None where it is none."""
    rest = text.removeprefix("$")
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if not found or (at and rest[at] not in ".["):
            return None
        star, name, any_index, index, single, double = found.groups()
        if star or any_index:
            steps.append(None)
        else:
            steps.append(int(index) if index is not None else next(x for x in (name, single, double) if x is not None))
        at = found.end()
    return JsonPath(tuple(steps)) if steps else None


def shown(place: Place) -> str:
    """As a path that `parse_json_path` reads."""
    parts = [f"[{step}]" if isinstance(step, int) else _name(step) for step in place]
    return "$" + "".join(parts)


def _name(step: str) -> str:
    if _PLAIN.fullmatch(step):
        return f".{step}"
    return f'["{step}"]' if "'" in step else f"['{step}']"
