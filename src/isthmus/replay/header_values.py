"""What of a header is compared, and how: lists without their order, cookies without their values, dates by presence.

Which names are left out by default stands here with the reason. Rule: two values are equal only where every client
must take them for the same (RFC 9110 5.3, 5.6.1).
"""

from __future__ import annotations

import re

from isthmus.replay.answer import Answer
from isthmus.replay.request import SECRET_HEADERS

# Of the moment, of one request, or of the connection; content-length says what the body says.
IGNORED = frozenset(
    {
        "age", "connection", "content-length", "date", "keep-alive", "proxy-connection", "server",
        "traceparent", "tracestate", "transfer-encoding", "x-correlation-id",
        "x-envoy-upstream-service-time", "x-request-id", "x-response-time", "x-runtime",
    }
)  # fmt: skip
# Lists whose order means nothing.
_SETS = frozenset(
    {
        "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers",
        "allow", "cache-control", "vary",
    }
)  # fmt: skip
_ANY_CASE = frozenset(
    {
        "access-control-allow-headers", "access-control-expose-headers", "cache-control", "content-type",
        "vary",
    }
)  # fmt: skip
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT")

Normal = tuple[str, ...]


def normal_value(name: str, answer: Answer) -> Normal:
    """What is compared of a header; empty where the answer does not have it."""
    values = answer.values(name)
    if not values:
        return ()
    if name == "set-cookie":
        return tuple(sorted(map(_cookie, values)))
    if name == "expires" and all(map(_DATE.fullmatch, values)):
        return ("a date",)
    joined = ", ".join(re.sub(r"\s*([,;])\s*", r"\1 ", value).strip() for value in values)
    if name in _ANY_CASE:
        joined = joined.lower()
    return tuple(sorted(set(joined.split(", ")))) if name in _SETS else (joined,)


def shown_value(name: str, answer: Answer) -> str:
    """A header for people: cookies and other credentials without their values."""
    values = answer.values(name)
    if not values:
        return "(absent)"
    if name == "set-cookie":
        return ", ".join(map(_cookie, values))
    return "(hidden)" if name in SECRET_HEADERS else ", ".join(values)


def _cookie(value: str) -> str:
    """`name=...; path=/; secure`: attributes in their order of letters, lifetimes without their figure."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    return "; ".join([f"{pair.partition('=')[0]}=...", *sorted(_attribute(each) for each in attributes if each)])


def _attribute(text: str) -> str:
    name, equals, value = text.partition("=")
    name, value = name.strip().lower(), value.strip()
    if name == "expires" or (name == "max-age" and value != "0"):  # max-age=0 deletes the cookie
        value = "..."
    return name + equals + (value.lower() if name == "samesite" else value)
