"""sticky-cookie-services: a client stays on one endpoint of a Service, by a cookie that the gateway sets.

`serviceName=NAME COOKIE [expires=TIME] [path=PATH] [domain=DOMAIN] [secure] [httponly] [samesite=WORD];...`
Source: nginx, ngx_http_upstream_module, sticky cookie. Both prefixes count; nginx.org/ first.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_times import seconds
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.service_lists import Entry, entries
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import closest
from isthmus.ir.action import Session

STICKY = "nginx.org/sticky-cookie-services"
PLUS = "nginx.com/sticky-cookie-services"

_COOKIE = re.compile(r"[A-Za-z0-9!#%&'*+.^_`|~-]{1,128}")  # RFC 6265, without the dollar sign
_VALUE = re.compile(r"[!#%-+\x2d-:<-\[\]-~]{1,256}")  # no space, quote, comma, semicolon, backslash or dollar sign
_FLAGS = {"secure": "Secure", "httponly": "HttpOnly"}
_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}
_FOREVER = 315_360_000  # what nginx makes of expires=max
_FORM = "serviceName=NAME COOKIE [expires=1h] [path=/] [domain=example.com] [secure] [httponly] [samesite=lax]; ..."


def _apply(view: View, draft: Draft) -> Draft:
    key = STICKY if view.text(STICKY) is not None else PLUS
    if view.text(STICKY) is not None and view.text(PLUS) is not None:
        view.say(codes.BESIDE, PLUS, other=STICKY)
    sessions: dict[str, Session] = {}
    for entry in entries(view.text(key) or "", ";") or (Entry("", (), "empty"),):
        session = _session(entry)
        if session is None:
            view.invalid(key, entry.text, _FORM)
            return draft
        if entry.service not in view.services:
            hint = closest(entry.service, view.services)
            view.say(annotation_codes.SERVICE_NOT_USED, key, value=entry.service, hint=hint)
        sessions[entry.service] = session
    session = sessions.get(draft.service)
    if session is None:
        return draft
    return replace(draft, session=session, session_secure=("Secure", "") in session.attributes)


def _session(entry: Entry) -> Session | None:
    """What is asked for a Service; None where it cannot be read."""
    if not entry.service or not entry.words or not _COOKIE.fullmatch(entry.words[0]):
        return None
    session = Session(entry.words[0], persistent=True)
    for word in entry.words[1:]:
        changed = _with(session, word)
        if changed is None:
            return None
        session = changed
    return session


def _with(session: Session, word: str) -> Session | None:
    """The session with one more parameter."""
    name, equals, value = word.partition("=")
    name = name.lower()
    if not equals:
        return replace(session, attributes=(*session.attributes, (_FLAGS[name], ""))) if name in _FLAGS else None
    if not _VALUE.fullmatch(value):
        return None
    match name:
        case "expires":
            time = _FOREVER if value == "max" else seconds(value)
            return replace(session, ttl_s=time) if time is not None else None
        case "path":
            return replace(session, path=value) if value.startswith("/") else None
        case "domain":
            return replace(session, attributes=(*session.attributes, ("Domain", value)))
        case "samesite" if value.lower() in _SAME_SITE:
            return replace(session, attributes=(*session.attributes, ("SameSite", _SAME_SITE[value.lower()])))
    return None


_NOTE = "the cookie names the endpoint's address instead of a hash of it; expires=max is ten years"

FEATURE = Feature(
    title="Sticky sessions",
    about="The gateway sets a cookie, and requests that bring it go to the same endpoint as long as that one is there. "
    "Each Service has its own cookie.",
    annotations=(
        Annotation(STICKY, _FORM, "", Handling.DIFFERS, _NOTE),
        Annotation(PLUS, _FORM, "", Handling.DIFFERS, f"{_NOTE}; nginx.org/sticky-cookie-services counts first"),
    ),
    apply=_apply,
)
