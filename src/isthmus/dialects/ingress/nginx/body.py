"""proxy-body-size: how long a request's body may be; longer ones are answered 413.

0 is no limit. Where nothing is said it is 1 MiB, as in ingress-nginx, but for gRPC backends, whose streams that ends.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import NO_VALUE, Annotation, Handling
from isthmus.dialects.ingress.view import View

SIZE = "nginx.ingress.kubernetes.io/proxy-body-size"
DEFAULT_BYTES = 1 << 20
_MOST = 2**63 - 1  # what Envoy can count to is as good as no limit


def _apply(view: View, draft: Draft) -> Draft:
    given = bool(view.text(SIZE))
    size = view.size(SIZE, DEFAULT_BYTES) if given else DEFAULT_BYTES
    policy = replace(draft.policy, max_body_bytes=min(size, _MOST))
    return replace(draft, policy=policy, body_limit_set=given)


FEATURE = Feature(
    title="Body size",
    about="How long a request's body may be. What is longer is answered 413, at once where the length is announced, "
    "else when it is exceeded; nothing is kept in memory to find out. The default limit is not for gRPC backends: "
    "nginx counts a whole stream and ends it at 1 MiB.",
    annotations=(
        Annotation(
            SIZE,
            "size such as 8k, 10m or 1g; 0 for no limit",
            "1m",
            Handling.DIFFERS,
            "the default is not for gRPC backends; a limit that is given is",
            setting="proxy-body-size",
            met_by=NO_VALUE,
        ),
    ),
    apply=_apply,
    always=True,
)
