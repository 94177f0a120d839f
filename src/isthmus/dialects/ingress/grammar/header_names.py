"""Which header names and values from manifests may be set on a message.

Headers that frame a message or belong to one connection are refused, whoever asks: setting them could make two
parties disagree on where a message ends. So are those that the gateway itself believes. Rule: the reason is
returned, nothing is repaired.
"""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
_BAD = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_LONGEST = 8_192  # bytes; Envoy takes 16,384 characters as a header's value
_FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OURS = ("x-envoy-", "x-isthmus-")  # what these say is believed inside the gateway


def fault(name: str, value: str = "") -> str:
    """Why the header may not be set; empty when it may. Host is no header of an answer, and has its own place in a
    request."""
    if NAME.fullmatch(name) is None:
        return "its name may hold letters, digits, - and _ only, at most 200"
    if name.lower() in _FRAMING:
        return "it belongs to the connection, not to the message"
    if name.lower().startswith(_OURS):
        return "the gateway keeps x-envoy- and x-isthmus- for itself"
    if _BAD.search(value):
        return "its value holds control characters"
    if len(value.encode()) > _LONGEST:
        return f"its value is longer than {_LONGEST} bytes"
    return ""
