"""app-root, ssl-redirect, redirect-to-https, http-redirect-code: requests that are sent elsewhere.

ssl-redirect (on by default) acts where the host has TLS, with 301 where nothing else is said. redirect-to-https is
for gateways behind another proxy: it goes by X-Forwarded-Proto.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import HeaderEdit

APP_ROOT = "nginx.org/app-root"
SSL_REDIRECT = "nginx.org/ssl-redirect"
OLD_SSL_REDIRECT = "ingress.kubernetes.io/ssl-redirect"
FORWARDED = "nginx.org/redirect-to-https"
CODE = "nginx.org/http-redirect-code"

_PATH = re.compile(r"/[!#%-:<-\[\]^_`a-z|~]{0,2000}")  # what a URL's path, query and fragment may hold; no variables
_CAME_OVER_TLS = HeaderEdit("x-forwarded-proto", ("https",))
_CODES = ("301", "302", "307", "308")


def _apply(view: View, draft: Draft) -> Draft:
    key = OLD_SSL_REDIRECT if view.given(OLD_SSL_REDIRECT) and not view.given(SSL_REDIRECT) else SSL_REDIRECT
    if view.given(OLD_SSL_REDIRECT) and key == SSL_REDIRECT:
        view.say(codes.BESIDE, OLD_SSL_REDIRECT, other=SSL_REDIRECT)
    forwarded = view.boolean(FORWARDED, False)
    policy = draft.policy
    if forwarded:  # as in the controller: what is not sent away came over TLS, to whomever
        policy = replace(policy, request_headers=(*policy.request_headers, _CAME_OVER_TLS))
    return replace(
        draft,
        app_root=_app_root(view),
        ssl_redirect=view.boolean(key, True),
        forwarded_redirect=forwarded,
        redirect_status=int(view.word(CODE, _CODES, "301")),
        policy=policy,
    )


def _app_root(view: View) -> str:
    value = view.text(APP_ROOT)
    if value is None or _PATH.fullmatch(value):
        return value or ""
    view.invalid(APP_ROOT, value, "a path that begins with / and holds no space, quote, brace, semicolon or $")
    return ""


FEATURE = Feature(
    title="Redirects",
    about="Cleartext requests are sent to HTTPS with 301 where the host has TLS. Cleartext gRPC is told instead, "
    "because gRPC clients do not follow redirects.",
    annotations=(
        Annotation(APP_ROOT, "path", "", Handling.EXACT, "requests for / are sent there with 302"),
        Annotation(SSL_REDIRECT, "boolean", "true; acts where the host has TLS", setting="ssl-redirect"),
        Annotation(
            OLD_SSL_REDIRECT, "boolean", "true", Handling.EXACT, "the old name; nginx.org/ssl-redirect counts first"
        ),
        Annotation(
            FORWARDED,
            "boolean",
            "false",
            Handling.DIFFERS,
            "X-Forwarded-Proto of a client that is no trusted proxy does not count: then it says how the client came "
            "to this gateway",
            setting="redirect-to-https",
        ),
        Annotation(CODE, "301, 302, 307 or 308", "301", setting="http-redirect-code"),
    ),
    apply=_apply,
    always=True,
)
