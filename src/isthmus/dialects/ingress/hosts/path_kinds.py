"""Paths that an Ingress wants read otherwise than their pathType says, and the path that the backend sees then.

NGINX Inc's path-regex, rewrites and rewrite-target. Rule: an expression that RE2 cannot run gives no route; the reason
is returned.
"""

from __future__ import annotations

import re

from isthmus.dialects.ingress.draft import Draft, PathKind
from isthmus.dialects.ingress.grammar.regex import path_regex, sent_start
from isthmus.dialects.ingress.grammar.rewriting import filled_groups
from isthmus.ir.action import Rewrite
from isthmus.ir.match import Exact, PathMatch, Pattern


class Unreadable(str):
    """Why a path cannot be read as it is to be."""

    __slots__ = ()


def read_as(kind: PathKind, path: str) -> PathMatch | Unreadable:
    """What the path of a rule takes."""
    if kind is PathKind.EXACT:
        return Exact(path)
    sent, problem = path_regex(path)
    if problem is not None:
        return Unreadable(problem)
    if kind is PathKind.REGEX_ANY_CASE:
        return Pattern("/", f"(?i:{sent}).*", f"(?i:{path}).*" if sent != path else "")
    return Pattern(sent_start(path), f"(?:{sent}).*", f"(?:{path}).*" if sent != path else "")


def rewrite_of(draft: Draft, path: str) -> Rewrite | None:
    """The path that the backend of a rule with that path sees; None for the client's own."""
    if draft.new_prefix:
        start = path.rstrip("/")  # of type Prefix /tea/ takes /tea too, and its slash is part of what is replaced
        return Rewrite(draft.new_prefix, f"^{re.escape(start)}/?" if start not in ("", path) else "")
    if not draft.new_path:
        return None
    if draft.path_kind not in (PathKind.REGEX, PathKind.REGEX_ANY_CASE):
        return Rewrite(draft.new_path.replace("\\", "\\\\"), "^.*$")
    flags = "(?i)" if draft.path_kind is PathKind.REGEX_ANY_CASE else ""
    return Rewrite(filled_groups(path, draft.new_path), f"{flags}^(?:{path_regex(path)[0]}).*$")
