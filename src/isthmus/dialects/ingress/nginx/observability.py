"""enable-access-log, enable-rewrite-log and opentelemetry: what is written down about requests.

The gateway makes no spans of its own. Rule: an untrusted trace is kept from the backend, never passed on.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Edit, HeaderEdit

LOG = "nginx.ingress.kubernetes.io/enable-access-log"
TRUST = "nginx.ingress.kubernetes.io/opentelemetry-trust-incoming-span"

_TRACE_HEADERS = ("traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled")


def _apply(view: View, draft: Draft) -> Draft:
    if not view.boolean(LOG, True):
        draft = replace(draft, policy=replace(draft.policy, logged=False))
    if view.boolean(TRUST, True):
        return draft
    removed = tuple(HeaderEdit(name, edit=Edit.REMOVE) for name in _TRACE_HEADERS)
    policy = draft.policy
    return replace(draft, policy=replace(policy, request_headers=policy.request_headers + removed))


FEATURE = Feature(
    title="Logs and traces",
    about="A log of requests is written where `isthmus run --access-log FILE` asks for one. The gateway makes no spans "
    "of its own: trace headers go through to the backend, so traces of client and backend stay one.",
    annotations=(
        Annotation(LOG, "boolean", "true"),
        Annotation(
            "nginx.ingress.kubernetes.io/enable-rewrite-log",
            "boolean",
            "false",
            Handling.NO_EFFECT,
            "rewrites are part of the route; isthmus explain shows them",
        ),
        Annotation(
            "nginx.ingress.kubernetes.io/enable-opentelemetry",
            "boolean",
            "false",
            Handling.NO_EFFECT,
            "the gateway makes no spans; trace headers go through to the backend",
        ),
        Annotation(
            TRUST,
            "boolean",
            "true",
            Handling.DIFFERS,
            "false removes the client's trace headers; the backend begins a trace of its own",
            setting="opentelemetry-trust-incoming-span",
            met_by="0|f|false",
        ),
        Annotation(
            "nginx.ingress.kubernetes.io/opentelemetry-operation-name",
            "text with nginx variables",
            "none",
            Handling.NO_EFFECT,
            "the gateway makes no spans that could bear the name",
        ),
    ),
    apply=_apply,
)
