"""transcode and its options: a gRPC backend is served to REST, Connect, gRPC-Web and WebSocket clients too.

On an Ingress they count for all its paths that lead to gRPC; on a Service for every path that leads to it. The
Ingress's own word wins.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation
from isthmus.dialects.ingress.view import View
from isthmus.ir.transcoding import Api

TRANSCODE = "isthmus.dev/transcode"
ORIGINS = "isthmus.dev/transcode-origins"
OPTIONS = "isthmus.dev/transcode-options"
HEADERS = "isthmus.dev/transcode-headers"

_ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(:([0-9]{1,5}|\*))?|https?://\[[0-9a-f:]+\](:([0-9]{1,5}|\*))?")
_HEADER = re.compile(r"[a-z0-9-]+\*?|\*")
_WORDS = ("preserve-names", "emit-defaults")


def _apply(view: View, draft: Draft) -> Draft:
    if not view.boolean(TRANSCODE, draft.api is not None):
        return replace(draft, api=None, grpc_only=view.text(TRANSCODE) is not None)
    options = _listed(view, OPTIONS, re.compile("|".join(_WORDS)), " or ".join(_WORDS))
    api = Api(
        origins=_listed(view, ORIGINS, _ORIGIN, "web origins such as https://app.example.com, or *"),
        preserve_names=_WORDS[0] in options,
        emit_defaults=_WORDS[1] in options,
        pass_headers=_listed(
            view, HEADERS, _HEADER, "header names; a trailing * makes a prefix of one, * alone is all"
        ),
    )
    return replace(draft, api=api)


def _listed(view: View, key: str, allowed: re.Pattern[str], expected: str) -> tuple[str, ...]:
    """The values that can be used; the others are reported."""
    values = tuple(value.lower() for value in view.names(key))
    for value in values:
        if not allowed.fullmatch(value):
            view.invalid(key, value, expected)
    return tuple(value for value in values if allowed.fullmatch(value))


FEATURE = Feature(
    title="APIs",
    about="Offer a gRPC backend to clients of every protocol. On an Ingress the annotations count for all its paths "
    "that lead to gRPC, on a Service for every path that leads to it; the Ingress's own word wins.",
    annotations=(
        Annotation(TRANSCODE, "boolean", "false"),
        Annotation(ORIGINS, "web origins, or *"),
        Annotation(OPTIONS, " or ".join(_WORDS)),
        Annotation(HEADERS, "header names; a trailing * makes a prefix of one"),
    ),
    apply=_apply,
)
