"""What backends are told about the client and the way it came: no annotation asks for it, and none turns it off.

The headers themselves stand with what writes them; here it is only said that they are written.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.view import View


def _apply(_: View, draft: Draft) -> Draft:
    return replace(draft, policy=replace(draft.policy, forwarded=True))


FEATURE = Feature(
    title="Forwarded headers",
    about="Backends get X-Real-IP, X-Forwarded-For, -Host, -Port, -Proto and -Scheme, X-Scheme and X-Request-ID. What "
    "a client says there itself is replaced, but for the identifier of its request. gRPC backends get X-Forwarded-For "
    "and -Proto as Envoy writes them.",
    annotations=(),
    apply=_apply,
    always=True,
)
