"""Path types: from an Ingress path to what it matches, by ingress-nginx's rules.

Exact is the whole path, Prefix goes by path elements, ImplementationSpecific is nginx's plain text prefix.
"""

from __future__ import annotations

from isthmus.dialects.ingress import codes
from isthmus.dialects.services import closest
from isthmus.ir.match import Exact, PathMatch, Prefix, SegmentPrefix
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import IngressPath
from isthmus.kube.refs import FieldPath, ObjectRef

_TYPES = ("Exact", "Prefix", "ImplementationSpecific")
_MAX = 4096  # longer than any request line that the listeners take is worth


def parse_path(rule: IngressPath, ref: ObjectRef, at: FieldPath, report: Report) -> PathMatch | None:
    """What a path matches; None, with a finding, when it cannot match anything."""
    kind = rule.path_type
    if kind not in _TYPES:
        report.add(codes.INVALID_PATH_TYPE, ref, at / "pathType", value=kind or "missing", hint=closest(kind, _TYPES))
        return None
    path = rule.path or "/"
    reason = _problem(path)
    if reason:
        report.add(codes.INVALID_PATH, ref, at / "path", value=path, reason=reason)
        return None
    if kind == "Exact":
        return Exact(path)
    if kind == "Prefix" or path == "/":
        return SegmentPrefix(path.rstrip("/") or "/")
    return Prefix(path)


def _problem(path: str) -> str:
    if not path.startswith("/"):
        return "it is not absolute"
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
    if any(part in (".", "..") for part in path.split("/")):
        return "Envoy resolves . and .. before it matches"
    return ""
