"""allowlist-source-range (alias whitelist-source-range) and denylist-source-range: which clients may come, by address.

With both, denied ranges stay out and of the rest only the allowed ones come in. Rule: a list that cannot be read
closes the path.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import SourceRanges

ALLOW = "nginx.ingress.kubernetes.io/allowlist-source-range"
ALIAS = "nginx.ingress.kubernetes.io/whitelist-source-range"
DENY = "nginx.ingress.kubernetes.io/denylist-source-range"


def _apply(view: View, draft: Draft) -> Draft:
    allow = _allowed(view)
    deny = view.ranges(DENY) or ()
    if allow is None and not deny:
        return draft
    return replace(draft, policy=replace(draft.policy, sources=SourceRanges(allow, deny)))


def _allowed(view: View) -> tuple[str, ...] | None:
    """The ranges of the annotation, else of its alias; both may be there if they say the same."""
    if not view.given(ALIAS):
        return view.ranges(ALLOW)
    alias = view.ranges(ALIAS)
    if view.given(ALLOW):
        allow = view.ranges(ALLOW)
        if allow is not None and alias is not None and set(allow) != set(alias):
            view.invalid(ALIAS, view.text(ALIAS) or "", f"the same as {ALLOW}, of which it is another name")
        return allow
    return alias


FEATURE = Feature(
    title="Source ranges",
    about="Clients are let in or kept out by their address: that of the connection, or what a trusted proxy before the "
    "gateway says. Others are answered 403. A denied range stays denied, whatever is allowed.",
    annotations=(
        Annotation(
            ALLOW,
            "addresses and ranges in CIDR notation, between commas",
            "everyone",
            restricts=True,
            setting="whitelist-source-range",
        ),
        Annotation(ALIAS, "another name for allowlist-source-range", "everyone", restricts=True),
        Annotation(
            DENY,
            "addresses and ranges in CIDR notation, between commas",
            "nobody",
            restricts=True,
            setting="denylist-source-range",
        ),
    ),
    apply=_apply,
)
