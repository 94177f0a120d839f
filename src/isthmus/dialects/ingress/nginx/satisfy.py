"""satisfy: whether one of several ways in suffices (any) or all are needed.

Address ranges take part in `any`, so they move from Envoy to the helper. Rule: it comes after every family that says
who may come; a word that is not known closes the path.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

SATISFY = "nginx.ingress.kubernetes.io/satisfy"


def _apply(view: View, draft: Draft) -> Draft:
    if view.word(SATISFY, ("ANY", "ALL"), "ALL") == "ALL":
        return draft
    found, sources = draft.policy.authorization, draft.policy.sources
    if found is None or not found.needs_helper:
        return draft  # there is one way in at most
    found = replace(found, any_of=True)
    if sources is not None:
        found = replace(found, allow=sources.allow, deny=sources.deny)
    return replace(draft, policy=replace(draft.policy, authorization=found, sources=None))


FEATURE = Feature(
    title="One way in or all of them",
    about="With any, an allowed address, a password or the authorization server's word suffices; with all, every one "
    "that is asked for is needed. Client certificates and limits are needed either way.",
    annotations=(Annotation(SATISFY, "any or all", "all", Handling.HELPER, restricts=True),),
    apply=_apply,
)
