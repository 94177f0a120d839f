"""nginx's times: `1h 30m`, `90s`, `500ms`, or a bare number of seconds. Source: nginx, "Configuration file measurement
units"; units stand in falling order. At most a year here, so that sums stay small.
"""

from __future__ import annotations

import re

_PART = "(?:([0-9]{1,9})%s *)?"
_TIME = re.compile(
    "(?=[0-9])" + "".join(_PART % unit for unit in ("y", "M", "w", "d", "h", "m(?!s)", "s?(?![0-9ms])", "ms"))
)
_MS = (31_536_000_000, 2_592_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
YEAR_MS = _MS[0]


def milliseconds(text: str) -> int | None:
    """The time in milliseconds; None where it is none, or is longer than a year."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    time = sum(int(part or 0) * unit for part, unit in zip(found.groups(), _MS, strict=True))
    return time if time <= YEAR_MS else None


def seconds(text: str) -> int | None:
    """The time in whole seconds, rounded up; None where it is none, or is longer than a year."""
    time = milliseconds(text)
    return None if time is None else -(-time // 1000)
