"""proxy-redirect-from and proxy-redirect-to: Location and Refresh of the backend's answers, rewritten for clients.

The text is replaced where the URL begins with it. Rule: what cannot be read is left as the backend says and reported.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.answer_rewrites import redirect_rewrites
from isthmus.dialects.ingress.grammar.nginx_variables import constants
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

FROM = "nginx.ingress.kubernetes.io/proxy-redirect-from"
TO = "nginx.ingress.kubernetes.io/proxy-redirect-to"

# default replaces the name of ingress-nginx's own upstream, which no backend ever sees.
_NOTHING = frozenset({"", "off", "default"})


def _apply(view: View, draft: Draft) -> Draft:
    start = view.text(FROM) or ""
    replacement = view.text(TO) or ""
    if start in _NOTHING or replacement in ("", "off"):
        return draft
    found = redirect_rewrites((start, replacement), constants(view.namespace, view.name, draft.service))
    if isinstance(found, str):
        view.invalid(FROM, f"{start} {replacement}", f"the beginning of a URL and what it becomes ({found})")
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
            "off",
            Handling.DIFFERS,
            "regular expressions (~) are reported and left out; default changes nothing, as in ingress-nginx",
            setting="proxy-redirect-from",
            met_by=".*~.*",
        ),
        Annotation(TO, "off, or what it becomes, with variables", "off", setting="proxy-redirect-to"),
    ),
    apply=_apply,
)
