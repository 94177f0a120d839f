"""app-root: requests for / are sent to another path with 302, before anything else is looked at."""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation
from isthmus.dialects.ingress.view import View

APP_ROOT = "nginx.ingress.kubernetes.io/app-root"

_PATH = re.compile(r"/[!#%-:<-\[\]^_`a-z|~]{0,2000}")  # no space, quote, backslash, brace, semicolon, no variable


def _apply(view: View, draft: Draft) -> Draft:
    value = view.text(APP_ROOT)
    if value is None:
        return draft
    if _PATH.fullmatch(value) and value != "/":
        return replace(draft, app_root=value)
    view.invalid(APP_ROOT, value, "a path that begins with /, is longer than that, and holds no variable")
    return draft


FEATURE = Feature(
    title="Another root",
    about="Requests for / are sent to another path of the same host with 302. It is about the whole host: where "
    "several Ingresses disagree, the oldest counts.",
    annotations=(Annotation(APP_ROOT, "path", "none"),),
    apply=_apply,
)
