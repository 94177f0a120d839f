"""rewrite-target and use-regex: paths as regular expressions, and the path that the backend sees.

What they mean for the other paths of the host is decided in `isthmus.dialects.ingress.hosts.reading`.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.view import View

TARGET = "nginx.ingress.kubernetes.io/rewrite-target"
USE_REGEX = "nginx.ingress.kubernetes.io/use-regex"

_TARGET = re.compile(r"(?:/|\$[1-9])(?:[-._~a-zA-Z0-9/:]|\$[1-9]){0,2000}")
_VARIABLE = re.compile(r"\$(?![1-9])\{?[A-Za-z0-9_]*\}?")


def _apply(view: View, draft: Draft) -> Draft:
    draft = replace(draft, regex=view.boolean(USE_REGEX, False))
    target = view.text(TARGET)
    if not target:
        if target is not None:
            view.invalid(TARGET, "empty", "a path, with $1 to $9 for groups of the rule's path")
        return draft
    if _TARGET.fullmatch(target):
        return replace(draft, rewrite=target)
    variable = _VARIABLE.search(target)
    if variable:
        view.refuse(TARGET, f"{variable[0]} is none of $1 to $9", "use groups of the rule's path")
    else:
        view.refuse(TARGET, f"{target} is no path of letters, digits and -._~/:", "write a path such as /$1")
    return draft


FEATURE = Feature(
    title="Rewrites",
    about="With either annotation on one Ingress of a host, all paths of that host, those of other Ingresses too, are "
    "regular expressions for the beginning of the path, in any case, and the longest one is tried first. "
    "rewrite-target is the whole new path, in which $1 to $9 are groups of the rule's path; the query stays.",
    annotations=(
        Annotation(
            TARGET,
            "path of letters, digits and -._~/:, with $1 to $9",
            "none",
            Handling.DIFFERS,
            "expressions are RE2: look around, back references and possessive repetitions close the path; groups are "
            "taken from the path as it was sent, percent-encoded",
        ),
        Annotation(
            USE_REGEX,
            "boolean",
            "false",
            Handling.DIFFERS,
            "expressions are RE2: look around, back references and possessive repetitions close the path",
            met_by=TRUE,
        ),
    ),
    apply=_apply,
)
