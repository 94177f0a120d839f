"""nginx.com/health-checks, -mandatory, -mandatory-queue, slow-start: whether an endpoint is fit, and its first minutes.

The controller repeats the pods' own readiness probes. Kubernetes runs the same probes and takes pods that fail them
out of the endpoints, which Isthmus follows; so nothing is left to check.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Balance

CHECKS = "nginx.com/health-checks"
MANDATORY = "nginx.com/health-checks-mandatory"
QUEUE = "nginx.com/health-checks-mandatory-queue"
SLOW_START = "nginx.com/slow-start"

_PROBES = "Kubernetes runs the same readiness probes; pods that fail them leave the endpoints within a moment"
_SLOW = (Balance.ROUND_ROBIN, Balance.LEAST_REQUEST)


def _apply(view: View, draft: Draft) -> Draft:
    time = view.duration(SLOW_START, 0, low_ms=0)
    if time and draft.balance not in _SLOW:
        view.differs(SLOW_START, "endpoints that are chosen by a hash or at random start at once, as in nginx")
        return draft
    return replace(draft, slow_start_ms=time)


FEATURE = Feature(
    title="Health of endpoints",
    about="NGINX Plus repeats the readiness probes of the pods itself. Here the verdict of Kubernetes counts: an "
    "endpoint is used when its pod is ready, and not before.",
    annotations=(
        Annotation(CHECKS, "boolean", "false", Handling.NO_EFFECT, _PROBES),
        Annotation(
            MANDATORY, "boolean", "false", Handling.NO_EFFECT, "new endpoints are not used before their pod is ready"
        ),
        Annotation(
            QUEUE,
            "a number",
            "0",
            Handling.NO_EFFECT,
            "there is no time in which all endpoints are still to be checked",
        ),
        Annotation(
            SLOW_START,
            "nginx time",
            "0s",
            Handling.DIFFERS,
            "works with the default lb-method too, where nginx starts at once",
        ),
    ),
    apply=_apply,
)
