"""proxy-redirect-from and proxy-redirect-to: Location and Refresh of the backend's answers, rewritten for clients.

The text is replaced where the URL begins with it. Rule: what cannot be read is left as the backend says and reported.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.answer_rewrites import redirect_rewrites
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View

FROM = "nginx.org/proxy-redirect-from"
TO = "nginx.org/proxy-redirect-to"

_NOTHING = ("off", "default")


def _apply(view: View, draft: Draft) -> Draft:
    start, replacement = view.text(FROM), view.text(TO)
    if start is None:
        view.say(codes.NEEDS_OTHER, TO, other=FROM)
        return draft
    if start in _NOTHING:
        return draft
    found = redirect_rewrites((start, replacement), constants(view, draft)) if replacement else f"there is no {TO}"
    if isinstance(found, str):
        view.invalid(FROM, start or "empty", f"the beginning of a URL, and in {TO} what it becomes ({found})")
        return draft
    policy = draft.policy
    return replace(draft, policy=replace(policy, answer_rewrites=policy.answer_rewrites + found))


FEATURE = Feature(
    title="Redirects of the backend",
    about="Backends that believe in another URL than clients see redirect to it. The gateway replaces the beginning of "
    "the URL in Location and Refresh. Both annotations are needed.",
    annotations=(
        Annotation(
            FROM,
            "off, default, or the beginning of a URL, with variables",
            "default",
            Handling.DIFFERS,
            "regular expressions (~) are reported and left out; default leaves Location as it is, because no backend "
            "knows the name that nginx gives its upstream",
            met_by=".*~.*|default",
        ),
        Annotation(TO, "what it becomes, with variables"),
    ),
    apply=_apply,
)
