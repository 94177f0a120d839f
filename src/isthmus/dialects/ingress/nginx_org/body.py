"""client-max-body-size: how much a request may send; 1m by default, 0 is no limit, 413 beyond.

The default is not for gRPC, whose streams a limit on the whole body would end.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import NO_VALUE, Annotation, Handling
from isthmus.dialects.ingress.view import View

SIZE = "nginx.org/client-max-body-size"

_DEFAULT = 1 << 20
_MOST = 2**63 - 1  # what Envoy can count to is as good as no limit


def _apply(view: View, draft: Draft) -> Draft:
    size = view.size(SIZE, _DEFAULT)
    policy = replace(draft.policy, max_body_bytes=min(size, _MOST))
    return replace(draft, policy=policy, body_limit_set=view.text(SIZE) is not None)


FEATURE = Feature(
    title="Size of requests",
    about="A request whose body is longer than the limit is answered 413. The limit is 1m where nothing is said.",
    annotations=(
        Annotation(
            SIZE,
            "nginx size, such as 8k, 10m or 1g; 0 is no limit",
            "1m",
            Handling.DIFFERS,
            "the default is not for gRPC, where nginx counts the whole stream and ends it at 1m",
            setting="client-max-body-size",
            met_by=NO_VALUE,
        ),
    ),
    apply=_apply,
    always=True,
)
