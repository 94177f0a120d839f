"""server-tokens: whether answers name nginx's version. Answers from here never name a version."""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

TOKENS = "nginx.org/server-tokens"

_SWITCH = ("1", "t", "true", "0", "f", "false", "on", "off", "build")


def _apply(view: View, draft: Draft) -> Draft:
    value = view.text(TOKENS) or ""
    if value.lower() not in _SWITCH:
        view.differs(TOKENS, "the Server header says envoy, whatever text is asked for")
    return draft


FEATURE = Feature(
    title="Server header",
    about="nginx names its version in the Server header and on error pages unless it is told not to. Envoy never names "
    "its version, so there is nothing to hide.",
    annotations=(
        Annotation(
            TOKENS,
            "boolean, or a text (with NGINX Plus)",
            "true",
            Handling.DIFFERS,
            "the header is always `Server: envoy`, which is what false is for; a text of one's own is not sent",
            setting="server-tokens",
        ),
    ),
    apply=_apply,
)
