"""The Host header that a backend sees: a name, with a port perhaps, or text with nginx's variables.

Rule: text without variables must be a name; the reason why it is none is for whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.ir.template import Template, is_literal, literal

_AUTHORITY = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?(:[0-9]{1,5})?")


def upstream_host(text: str, names: Mapping[str, str]) -> Template | str:
    """The header, or why the text is none. `names` are variables with a value of their own."""
    host = parse(text, dict(names))
    if not isinstance(host, str) and is_literal(host) and not _AUTHORITY.fullmatch(literal(host) or ""):
        return "it has other characters"
    return host
