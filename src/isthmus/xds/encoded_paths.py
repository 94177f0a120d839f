"""Paths with characters that may also be written percent-encoded: every other way to write them leads to the plain one.

Envoy decodes letters and digits before it matches, and nothing else, while backends decode everything. Without this a
path that is protected as `/@me` would be open as `/%40me`.
"""

from __future__ import annotations

import re

from isthmus.ir.host import Route
from isthmus.ir.match import Exact, PathMatch, Pattern, SegmentPrefix
from isthmus.xds import api, names
from isthmus.xds.path_tree import Entry
from isthmus.xds.route import answer

_PART = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9._~/-]")
_RESERVED = re.compile(r"[!$&'()*+,;=:@\[\]%]")  # as they come: all others are always percent-encoded
_TEMPORARY = 3  # RedirectAction.RedirectResponseCode: 307


def encoded(route: Route) -> Entry | None:
    """The route that sends other ways to write a route's path to the plain one; it stands behind that route.

    None where there is only one way, and for expressions, which know all ways themselves.
    """
    path = route.match.path
    if isinstance(path, Pattern) or route.match.conditions or route.match.grpc:
        return None
    parts = _PART.findall(path.path)
    if all(_PLAIN.fullmatch(part) for part in parts):
        return None
    written = "".join(_ways(part) for part in parts)
    rest = "" if isinstance(path, Exact) else "(?:/.*)?" if isinstance(path, SegmentPrefix) else ".*"
    message = api.Route(name=names.route(route.origin, "encoded"))
    message.match.safe_regex.regex = written + rest
    message.redirect.response_code = _TEMPORARY
    message.redirect.regex_rewrite.pattern.regex = "^" + written
    message.redirect.regex_rewrite.substitution = path.path.replace("\\", r"\\")
    start = "".join(parts[: next(at for at, part in enumerate(parts) if not _PLAIN.fullmatch(part))])
    return start, message


def is_encoded(path: PathMatch) -> bool:
    """Whether it is an expression that knows how its paths are percent-encoded."""
    return isinstance(path, Pattern) and path.written != ""


def malformed() -> api.Route:
    """The answer, as nginx's, where a percent sign begins no escape: no such expression could judge that."""
    message = answer("malformed", 400, "the path has a percent sign that begins no escape\n")
    message.match.ClearField("prefix")
    message.match.safe_regex.regex = ".*%(?:[^0-9A-Fa-f].*|[0-9A-Fa-f](?:[^0-9A-Fa-f].*)?|)"
    return message


def _ways(part: str) -> str:
    """An expression for all ways to write one character of a path."""
    if _PLAIN.fullmatch(part):
        return re.escape(part)
    code = part[1:] if len(part) == 3 else f"{ord(part):02X}"
    digits = "".join(f"[{digit.upper()}{digit.lower()}]" if digit.isalpha() else digit for digit in code)
    char = chr(int(code, 16))
    return f"(?:{re.escape(char)}|%{digits})" if _RESERVED.fullmatch(char) else f"%{digits}"
