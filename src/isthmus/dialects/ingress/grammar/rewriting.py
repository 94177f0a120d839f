"""rewrite-target as Envoy runs it: the path that the backend sees, made of the groups of the rule's path.

nginx replaces the whole path, whatever part of it the expression took, and has nine groups. Rule: a group that the
expression does not have is nothing, as in nginx; Envoy would refuse the whole host for it.
Source: nginx, ngx_http_rewrite_module, rewrite; ingress-nginx, buildProxyPass.
"""

from __future__ import annotations

import re

from isthmus.dialects.ingress.grammar.regex import literal_start, path_regex
from isthmus.ir.action import Rewrite
from isthmus.ir.match import PathMatch, Pattern

_GROUP = re.compile(r"\$([1-9])")


def new_path(written: str, target: str) -> Rewrite:
    """What the backend of the path `written`, an expression without problems, sees."""
    return Rewrite(filled_groups(written, target), f"^(?i:{path_regex(written)[0]}).*$")


def filled_groups(written: str, target: str) -> str:
    """The target with Envoy's names of those groups that the expression `written` has."""
    groups = re.compile(written).groups

    def group(found: re.Match[str]) -> str:
        return f"\\{found[1]}" if int(found[1]) <= groups else ""

    return _GROUP.sub(group, target.replace("\\", "\\\\"))


def session_path(path: PathMatch, written: str) -> str:
    """The path of a cookie that keeps clients on one endpoint: the rule's, or what every path of a pattern is below."""
    if not isinstance(path, Pattern):
        return written
    start = literal_start(written)
    return start[: start.rfind("/") + 1] or "/"
