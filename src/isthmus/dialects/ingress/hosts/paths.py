"""Path types: from an Ingress path to what it matches, by ingress-nginx's rules.

Exact is the whole path, Prefix goes by path elements, ImplementationSpecific is nginx's plain text prefix. On a host
of regular expressions every path is one, in any case, for the beginning of the request's path.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import codes
from isthmus.dialects.ingress.draft import PathKind
from isthmus.dialects.ingress.grammar.encoded_regex import encoded_regex
from isthmus.dialects.ingress.grammar.regex import literal_start
from isthmus.dialects.ingress.hosts import host_codes
from isthmus.dialects.ingress.hosts.path_kinds import Unreadable, read_as
from isthmus.dialects.services import closest
from isthmus.ir.match import Exact, PathMatch, Pattern, Prefix, SegmentPrefix
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import IngressPath
from isthmus.kube.refs import FieldPath, ObjectRef

EXACT, PREFIX, SPECIFIC = "Exact", "Prefix", "ImplementationSpecific"
_TYPES = (EXACT, PREFIX, SPECIFIC)
_RELATIVE = "it is not absolute"
_LONGEST_CLOSED = 500
_MAX = 4096  # longer than any request line that the listeners take is worth


_UNRESERVED = re.compile(r"%(2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|5[0-9AaFf]|7[0-9AaEe])")
_NEVER_PLAIN = re.compile(r"[\"<>^`{|}]")
_SLASHES = re.compile(r"\\|%2[Ff]|%5[Cc]")
_SPECIAL = frozenset(".+*?()[]{}|^$\\")


class Closed(str):
    """The beginning of the paths that answer 503, because a path's expression cannot be run."""

    __slots__ = ()

    @property
    def path(self) -> PathMatch:
        """What is closed: a part of the paths may have been meant in any case."""
        escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in self)
        sent = encoded_regex(escaped)
        return Pattern("/", f"(?i:{sent}).*", f"(?i:{escaped}).*" if sent != escaped else "")


def parse_path(rule: IngressPath, ref: ObjectRef, at: FieldPath, report: Report) -> PathMatch | None:
    """What a path matches; None, with a finding, when it cannot match anything."""
    kind, path = rule.path_type, _as_sent(rule.path or "/")
    if not has_type(rule, ref, at, report):
        return None
    reason = _problem(path)
    if reason:
        report.add(codes.INVALID_PATH, ref, at / "path", value=rule.path or "/", reason=reason)
        return None
    if kind == EXACT:
        return Exact(path)
    if kind == PREFIX or path == "/":
        return SegmentPrefix(path.rstrip("/") or "/")
    return Prefix(path)


def parse_as(
    kind: PathKind, rule: IngressPath, ref: ObjectRef, at: FieldPath, report: Report
) -> PathMatch | Closed | None:
    """What a path matches that is read otherwise than its type says; what to close where Envoy cannot run it."""
    path = rule.path or "/"
    if kind is PathKind.EXACT:
        return parse_path(replace(rule, path_type=EXACT), ref, at, report)
    if not has_type(rule, ref, at, report):
        return None
    if not path.startswith("/"):
        report.add(codes.INVALID_PATH, ref, at / "path", value=path, reason=_RELATIVE)
        return None
    found = read_as(kind, path)
    if not isinstance(found, Unreadable):
        return found
    closed = Closed(literal_start(path)[:_LONGEST_CLOSED] or "/")
    report.add(host_codes.UNUSABLE_REGEX, ref, at / "path", value=path, reason=found, closed=closed)
    return closed


def has_type(rule: IngressPath, ref: ObjectRef, at: FieldPath, report: Report) -> bool:
    """Whether the path has a type that there is."""
    kind = rule.path_type
    if kind not in _TYPES:
        report.add(codes.INVALID_PATH_TYPE, ref, at / "pathType", value=kind or "missing", hint=closest(kind, _TYPES))
    return kind in _TYPES


def _as_sent(path: str) -> str:
    """The path as Envoy sees it, whoever sends it: letters and digits plain, some other characters never."""
    path = _UNRESERVED.sub(lambda found: chr(int(found[1], 16)), path)
    return _NEVER_PLAIN.sub(lambda found: f"%{ord(found[0]):02X}", path)


def _problem(path: str) -> str:
    if not path.startswith("/"):
        return _RELATIVE
    if len(path) > _MAX:
        return f"it is longer than {_MAX} characters"
    if not path.isprintable() or " " in path:
        return "it holds a space or a control character"
    if not path.isascii():
        return "requests carry such characters percent-encoded, and so must it"
    if "?" in path or "#" in path:
        return "it holds a query or a fragment"
    if "//" in path:
        return "Envoy merges // into / before it matches"
    if _SLASHES.search(path):
        return "Envoy makes a slash of a backslash, and of either percent-encoded, before it matches"
    if any(part in (".", "..") for part in path.split("/")):
        return "Envoy resolves . and .. before it matches"
    return ""
