"""Web origins that pages may come from: `https://example.com`, `https://*.example.com:8443`.

Browsers write them in lower case. Rule: a star is one label of the name; what is no origin is None, never everybody.
"""

from __future__ import annotations

import re

EVERYBODY = ("*",)

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,30}://(\*\.)?[a-z0-9.-]{0,253}(:[0-9]{1,5})?|null")


def web_origin(text: str) -> str | None:
    """The origin as `ir.policy.Cors` has it."""
    origin = text.lower()
    return origin.replace("*", "+") if _ORIGIN.fullmatch(origin) else None
