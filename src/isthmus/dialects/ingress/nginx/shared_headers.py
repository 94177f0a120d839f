"""add-headers, proxy-set-headers and hide-headers of the controller's ConfigMap: headers for all Ingresses.

The first two name further ConfigMaps whose keys are names of headers. Rule: one that is missing or holds what may not
be set is reported and left out, as in ingress-nginx; what objects say themselves comes later and wins.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.header_names import fault
from isthmus.dialects.ingress.grammar.nginx_variables import constants, parse
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Edit, HeaderEdit

ADD, SET, HIDE = "add-headers", "proxy-set-headers", "hide-headers"
_MOST = 100


def _apply(view: View, draft: Draft) -> Draft:
    names = constants(view.namespace, view.name, draft.service)
    hidden = tuple(HeaderEdit(name, edit=Edit.REMOVE) for name in _hidden(view))
    asked, added = _edits(view, SET, names), _edits(view, ADD, names)
    if not (hidden or asked or added):
        return draft
    policy = draft.policy
    requests, answers = policy.request_headers + asked, policy.answer_headers + hidden + added
    return replace(draft, policy=replace(policy, request_headers=requests, answer_headers=answers))


def _hidden(view: View) -> list[str]:
    value = view.setting(HIDE)
    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    reason = next((why for name in names if (why := fault(name))), "")
    if len(names) <= _MOST and not reason:
        return names
    expected = f"at most {_MOST} names of headers between commas ({reason})"
    view.say_of_setting(codes.INVALID_ANNOTATION, HIDE, value=value, expected=expected)
    return []


def _edits(view: View, key: str, names: Mapping[str, str]) -> tuple[HeaderEdit, ...]:
    """What the ConfigMap that a key names sets; nothing of it where something cannot be set."""
    value = view.setting(key)
    if not value:
        return ()
    namespace, _, name = value.partition("/")
    found = view.look.config_map(namespace, name) if view.look is not None else None
    data = (found.data or {}) if found is not None else {}
    reason = "" if found is not None else "there is none of that name"
    reason = reason if len(data) <= _MOST else f"it has {len(data)} headers, expected at most {_MOST}"
    edits: list[HeaderEdit] = []
    for header, text in sorted(data.items()):
        template = parse(text, names)
        wrong = fault(header, text) or (template if isinstance(template, str) else "")
        if wrong or isinstance(template, str):
            reason = reason or f"header {header[:100]}: {wrong}"
        else:
            edits.append(HeaderEdit(header, template, Edit.SET if template else Edit.REMOVE))
    if not reason:
        return tuple(edits)
    view.say_of_setting(
        codes.INVALID_ANNOTATION, key, value=value, expected=f"namespace/name of a ConfigMap of headers ({reason})"
    )
    return ()


FEATURE = Feature(
    title="Headers for all",
    about="Three keys of the controller's ConfigMap: add-headers (on every answer) and proxy-set-headers (to backends) "
    "name ConfigMaps, as namespace/name, whose keys are header names and whose values may have variables; hide-headers "
    "lists headers of backends that clients do not get. A ConfigMap that cannot be used is reported and left out.",
    annotations=(),
    apply=_apply,
    always=True,
)
