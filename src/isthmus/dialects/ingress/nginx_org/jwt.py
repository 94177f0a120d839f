"""nginx.com/jwt-*: requests must bring a signed token (RFC 7519) that one of the Secret's keys has signed.

As with NGINX Plus the signature, `exp` and `nbf` count, and who issued the token for whom does not. Rule: without keys
that can be used nobody gets in: the path is closed.
"""

from __future__ import annotations

import re

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.authorizations import authorized
from isthmus.dialects.ingress.nginx_org.basic_auth import realm
from isthmus.dialects.ingress.nginx_org.credentials import jwk_set
from isthmus.dialects.ingress.view import View
from isthmus.ir.authorization import Jwt
from isthmus.ir.template import Of, Variable

KEY = "nginx.com/jwt-key"
REALM = "nginx.com/jwt-realm"
TOKEN = "nginx.com/jwt-token"
LOGIN = "nginx.com/jwt-login-url"

_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}(/[!#%&(-:=?@A-\[\]_a-z|~]{0,2000})?")
_PLACES = (Of.HEADER, Of.COOKIE, Of.PARAMETER)


def _apply(view: View, draft: Draft) -> Draft:
    if view.text(KEY) is None:
        for key in (REALM, TOKEN, LOGIN):
            if view.text(key) is not None:
                view.say(codes.NEEDS_OTHER, key, other=KEY)
        return draft
    secret = view.secret(KEY)
    if secret is None:
        return draft  # reported, and closed
    keys, reason = jwk_set(secret)
    if reason:
        view.closed = True
        name = f"{secret.metadata.namespace}/{secret.metadata.name}"
        view.say(annotation_codes.BROKEN_REFERENCE, KEY, kind="Secret", name=name, reason=reason)
        return draft
    token = token_place(view.text(TOKEN) or "")
    if isinstance(token, str):
        view.invalid(TOKEN, view.text(TOKEN) or "", token)
        return draft
    return authorized(view, draft, Jwt(realm(view, REALM), keys, token, _login(view)))


def token_place(text: str) -> Variable | str | None:
    """Where the token is: None for `Authorization: Bearer`; a text says what was expected instead."""
    if not text or text.lower() in ("$http_authorization", "${http_authorization}"):
        return None
    found = parse(text, {})
    if isinstance(found, tuple) and len(found) == 1 and isinstance(found[0], Variable) and found[0].of in _PLACES:
        return found[0]
    return "one variable: $http_NAME, $cookie_NAME or $arg_NAME"


def _login(view: View) -> str:
    value = view.text(LOGIN) or ""
    if not value or _URL.fullmatch(value):
        return value
    view.invalid(LOGIN, value, "a URL such as https://login.example.com/login, without variables")
    return ""


FEATURE = Feature(
    title="Tokens",
    about="Requests must bring a JSON Web Token that one of the keys in the Secret has signed and whose time has come "
    "and has not run out. The Secret is of the type nginx.org/jwk and in the Ingress's own namespace.",
    annotations=(
        Annotation(KEY, "name of a Secret", "", Handling.HELPER, "", restricts=True),
        Annotation(REALM, "text", "", Handling.HELPER),
        Annotation(
            TOKEN, "$http_NAME, $cookie_NAME or $arg_NAME", "Authorization: Bearer", Handling.HELPER, "", restricts=True
        ),
        Annotation(
            LOGIN,
            "URL",
            "",
            Handling.HELPER,
            "clients without a valid token are sent there; gRPC clients get their 401",
        ),
    ),
    apply=_apply,
)
