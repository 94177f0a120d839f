"""hsts and hsts-*: Strict-Transport-Security on what is answered over TLS; off by default, 30 days where it is on.

As in the controller `preload` is always part of it, and one value that cannot be read leaves all of it out.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.view import View

HSTS = "nginx.org/hsts"
MAX_AGE = "nginx.org/hsts-max-age"
SUBDOMAINS = "nginx.org/hsts-include-subdomains"
BEHIND_PROXY = "nginx.org/hsts-behind-proxy"

_DEFAULT = 2_592_000
_MOST = 2**31 - 1
_UNREAD = -1
_TRUE, _FALSE = ("TRUE", "T", "1"), ("FALSE", "F", "0")


def _apply(view: View, draft: Draft) -> Draft:
    if view.text(HSTS) is None:
        for key in (MAX_AGE, SUBDOMAINS, BEHIND_PROXY):
            if view.given(key):
                view.say(codes.NEEDS_OTHER, key, other=HSTS)
        return draft
    age = view.integer(MAX_AGE, _DEFAULT if view.text(MAX_AGE) is None else _UNREAD, 0, _MOST)
    subdomains = _boolean(view, SUBDOMAINS)
    behind = _boolean(view, BEHIND_PROXY)
    if not view.boolean(HSTS, False) or age == _UNREAD or subdomains is None or behind is None:
        return draft
    parts = (f"max-age={age}", *(("includeSubDomains",) if subdomains else ()), "preload")
    return replace(draft, hsts="; ".join(parts))


def _boolean(view: View, key: str) -> bool | None:
    """The value, false where there is none, None where it cannot be read."""
    value = view.word(key, (*_TRUE, *_FALSE), _FALSE[0] if view.text(key) is None else "")
    return value in _TRUE if value else None


FEATURE = Feature(
    title="Strict transport security",
    about="The header Strict-Transport-Security on what is answered over TLS, in place of the backend's own. As in the "
    "controller preload is always part of it.",
    annotations=(
        Annotation(HSTS, "boolean", "false", setting="hsts"),
        Annotation(MAX_AGE, "seconds", "2592000", setting="hsts-max-age"),
        Annotation(SUBDOMAINS, "boolean", "false", setting="hsts-include-subdomains"),
        Annotation(
            BEHIND_PROXY,
            "boolean",
            "false",
            Handling.DIFFERS,
            "X-Forwarded-Proto of a client that is no trusted proxy does not count, so the header comes over TLS only",
            setting="hsts-behind-proxy",
        ),
    ),
    apply=_apply,
)
