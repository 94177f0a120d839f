"""Strict-Transport-Security on answers over TLS: on by default, as in ingress-nginx, and changed by its ConfigMap only.

There is no annotation for it, so it has no family of its own in the documentation but a part of the ConfigMap's.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.view import View

SETTINGS = frozenset({"hsts", "hsts-max-age", "hsts-include-subdomains", "hsts-preload"})
_A_YEAR = "31536000"
_FALSE = frozenset({"0", "f", "false"})
_TRUE = frozenset({"1", "t", "true"})


def _apply(view: View, draft: Draft) -> Draft:
    if (view.setting("hsts") or "").lower() in _FALSE:
        return draft
    age = view.setting("hsts-max-age") or _A_YEAR
    parts = [f"max-age={age if is_age(age) else _A_YEAR}"]
    if (view.setting("hsts-include-subdomains") or "").lower() not in _FALSE:
        parts.append("includeSubDomains")
    if (view.setting("hsts-preload") or "").lower() in _TRUE:
        parts.append("preload")
    return replace(draft, hsts="; ".join(parts))


def is_age(text: str) -> bool:
    """Whether it is a number of seconds."""
    return re.fullmatch("[0-9]{1,12}", text) is not None


FEATURE = Feature(
    title="Strict-Transport-Security",
    about="Hosts with TLS tell browsers to come back over TLS only: `Strict-Transport-Security: max-age=31536000; "
    "includeSubDomains` on every answer over TLS, in the place of the backend's own. The ConfigMap's keys hsts, "
    "hsts-max-age, hsts-include-subdomains and hsts-preload change it; there is no annotation.",
    annotations=(),
    apply=_apply,
    always=True,
)
