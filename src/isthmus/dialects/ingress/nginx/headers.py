"""custom-headers: headers from a ConfigMap on every answer, values literally.

Rule: a ConfigMap that is missing or holds what may not be set closes the path, as ingress-nginx does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.header_names import fault
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.kube.objects import ConfigMap, ref_of

CUSTOM = "nginx.ingress.kubernetes.io/custom-headers"
ALLOWED = "global-allowed-response-headers"
_MOST = 100


def _apply(view: View, draft: Draft) -> Draft:
    if not view.text(CUSTOM):
        return draft
    found = view.config_map(CUSTOM)
    if found is None:
        view.closed = True  # reported already
        return draft
    data = found.data or {}
    fault = next(_faults(view, found), "")
    if fault:
        view.closed = True
        view.say(codes.BROKEN_REFERENCE, CUSTOM, kind="ConfigMap", name=ref_of(found), reason=fault)
        return draft
    edits = tuple(HeaderEdit(name, (value,) if value else (), Edit.SET) for name, value in sorted(data.items()))
    return replace(draft, policy=replace(draft.policy, answer_headers=draft.policy.answer_headers + edits))


def _faults(view: View, found: ConfigMap) -> Iterator[str]:
    """What keeps it from being used."""
    data = found.data or {}
    listed = view.setting(ALLOWED)
    allowed = {name.strip().lower() for name in (listed or "").split(",")}
    if len(data) > _MOST:
        yield f"it has {len(data)} headers, and at most {_MOST} can be set"
    for name, value in sorted(data.items()):
        reason = fault(name, value)
        if reason:
            yield f"header {name}: {reason}"
        if listed is not None and name.lower() not in allowed:
            yield f"header {name} is not in {ALLOWED}"


FEATURE = Feature(
    title="Headers of answers",
    about="A ConfigMap whose keys are header names and whose values are set, as they are, on every answer. The setting "
    "global-allowed-response-headers of the controller's ConfigMap limits the names.",
    annotations=(
        Annotation(
            CUSTOM,
            "[namespace/]name of a ConfigMap, in the Ingress's own namespace",
            "none",
            Handling.DIFFERS,
            "without the setting global-allowed-response-headers every name is allowed, in ingress-nginx none; headers "
            "that frame a message, such as Content-Length, are refused",
            restricts=True,  # without it the path is closed, as in ingress-nginx
        ),
    ),
    apply=_apply,
)
