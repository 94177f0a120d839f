"""configuration-snippet, server-snippet, auth-snippet and stream-snippet: the directives in them that have an equal.

The table is in `isthmus.dialects.ingress.snippets`. Rule: a snippet is had whole or not at all, and then the path is
closed; where the administrator has switched snippets off, having one closes the path.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_directives import Fault, directives
from isthmus.dialects.ingress.grammar.nginx_variables import constants
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.snippets import Place, apply, request_header
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Edit
from isthmus.ir.template import Template
from isthmus.kube.diagnostics import printable

CONFIGURATION = "nginx.ingress.kubernetes.io/configuration-snippet"
SERVER = "nginx.ingress.kubernetes.io/server-snippet"
AUTH = "nginx.ingress.kubernetes.io/auth-snippet"
STREAM = "nginx.ingress.kubernetes.io/stream-snippet"
SWITCH = "allow-snippet-annotations"

_INSTEAD = "say it with annotations, or remove the directive"


def _apply(view: View, draft: Draft) -> Draft:
    off = (view.setting(SWITCH) or "").lower() in ("false", "f", "0")
    for key, server in ((SERVER, True), (CONFIGURATION, False)):
        place = Place(constants(view.namespace, view.name, draft.service), server)
        for text in _texts(view, key):
            changed = apply(text, place, draft)
            if isinstance(changed, str):
                view.refuse(key, changed, _INSTEAD)
            else:
                draft = changed
    if view.text(AUTH):
        draft = _auth(view, draft)
    given = [key for key in (SERVER, CONFIGURATION, AUTH) if view.given(key)]
    if off and given:
        view.refuse(given[0], f"{SWITCH} is false in the controller's ConfigMap", "switch it on or remove the snippet")
    if view.given(SERVER) and not view.closed:
        view.differs(SERVER, "it is for the paths of this Ingress; in nginx it is for all of the host's")
    return draft


def _texts(view: View, key: str) -> list[str]:
    """The administrator's snippet for all, then the object's own."""
    own = view.text(key) if view.given(key) else None
    return [text for text in (view.setting(_GLOBAL[key]), own) if text]


def _auth(view: View, draft: Draft) -> Draft:
    """Headers of the question to the server that authorizes; without one there is nothing that it could be for."""
    authorization = draft.policy.authorization
    if authorization is None or authorization.question is None:
        view.differs(AUTH, "it counts together with auth-url only, as in ingress-nginx")
        return draft
    found = directives(view.text(AUTH) or "")
    if isinstance(found, Fault):
        view.refuse(AUTH, f"line {found.line}: {printable(found.reason)}", _INSTEAD)
        return draft
    names = constants(view.namespace, view.name, draft.service)
    headers: list[tuple[str, Template]] = []
    for each in found:
        edit = request_header(each.args, names) if each.name == "proxy_set_header" else "only proxy_set_header can be"
        if isinstance(edit, str):
            view.refuse(AUTH, f"line {each.line}: {printable(each.name, 60)}: {printable(edit)}", _INSTEAD)
            return draft
        if edit is not None and edit.edit is Edit.SET:
            headers.append((edit.name, edit.value))
    question = replace(authorization.question, set_headers=(*authorization.question.set_headers, *headers))
    policy = replace(draft.policy, authorization=replace(authorization, question=question))
    return replace(draft, policy=policy)


_GLOBAL = {CONFIGURATION: "location-snippet", SERVER: "server-snippet"}
_TABLE = (
    "add_header, more_set_headers, more_clear_headers, proxy_set_header, proxy_hide_header, return, rewrite to a URL, "
    "allow, deny, timeouts, body size, cookie and redirect rewriting; any other directive closes the path"
)


def _snippet(key: str, note: str, handling: Handling = Handling.DIFFERS, setting: str = "") -> Annotation:
    return Annotation(key, "nginx directives", "none", handling, note, restricts=True, setting=setting)


FEATURE = Feature(
    title="Snippets",
    about="Raw nginx configuration. The directives that have an exact equal are read from a fixed table and become "
    "typed configuration; nothing of the text is ever run. ingress-nginx rejects snippets unless its ConfigMap has "
    "allow-snippet-annotations: true; here they are read unless it says false, because the table can do no harm "
    "that annotations cannot.",
    annotations=(
        _snippet(CONFIGURATION, f"had: {_TABLE}", setting="location-snippet"),
        _snippet(
            SERVER,
            "had: headers of answers, timeouts, body size, for the paths of this Ingress; any other directive closes "
            "the path",
            setting="server-snippet",
        ),
        _snippet(AUTH, "had: proxy_set_header; any other directive closes the path"),
        _snippet(STREAM, "it configures TCP listeners of nginx; use a Service of type LoadBalancer", Handling.REFUSED),
    ),
    apply=_apply,
)
