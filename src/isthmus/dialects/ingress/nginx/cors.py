"""enable-cors and cors-*: which pages of other origins may call, answered by the gateway.

A star in an origin is one label of a name, as in ingress-nginx. Rule: an origin that cannot be read is left out, and
what is left counts, be it nobody; it never becomes everybody.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.origins import EVERYBODY, web_origin
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Cors

ENABLE = "nginx.ingress.kubernetes.io/enable-cors"
ORIGIN = "nginx.ingress.kubernetes.io/cors-allow-origin"
METHODS = "nginx.ingress.kubernetes.io/cors-allow-methods"
HEADERS = "nginx.ingress.kubernetes.io/cors-allow-headers"
EXPOSE = "nginx.ingress.kubernetes.io/cors-expose-headers"
CREDENTIALS = "nginx.ingress.kubernetes.io/cors-allow-credentials"
MAX_AGE = "nginx.ingress.kubernetes.io/cors-max-age"

DEFAULT_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
DEFAULT_HEADERS = (
    "DNT",
    "Keep-Alive",
    "User-Agent",
    "X-Requested-With",
    "If-Modified-Since",
    "Cache-Control",
    "Content-Type",
    "Range",
    "Authorization",
)
DEFAULT_MAX_AGE_S = 1_728_000

_METHOD = re.compile(r"[A-Za-z]{1,50}")
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,200}")
_EXPOSED = re.compile(r"[A-Za-z0-9_-]{1,200}|\*")


def _apply(view: View, draft: Draft) -> Draft:
    if not view.boolean(ENABLE, False):
        return draft
    origins = _origins(view)
    credentials = view.boolean(CREDENTIALS, True)
    cors = Cors(
        origins=origins,
        methods=_list(view, METHODS, _METHOD, DEFAULT_METHODS),
        headers=_list(view, HEADERS, _HEADER, DEFAULT_HEADERS),
        expose=_list(view, EXPOSE, _EXPOSED, ()),
        # To everybody nginx answers a star, with which browsers never send credentials.
        credentials=credentials and origins != EVERYBODY,
        max_age_s=view.integer(MAX_AGE, DEFAULT_MAX_AGE_S, 0, 2**31 - 1),
    )
    return replace(draft, policy=replace(draft.policy, cors=cors))


def _origins(view: View) -> tuple[str, ...]:
    text = view.text(ORIGIN)
    if not text:
        return EVERYBODY
    parts = view.names(ORIGIN)
    if "*" in parts:
        return EVERYBODY
    found: list[str] = []
    for part in parts:
        origin = web_origin(part)
        if origin is not None:
            found.append(origin)
        else:
            view.invalid(ORIGIN, part, "origins such as https://example.com, https://*.example.com:8443, or *")
    return tuple(dict.fromkeys(found))


def _list(view: View, key: str, element: re.Pattern[str], default: tuple[str, ...]) -> tuple[str, ...]:
    """Names between commas or spaces; the default where one of them is none."""
    text = view.text(key)
    if not text:
        return default
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if parts and all(element.fullmatch(part) for part in parts):
        return tuple(parts)
    view.invalid(key, text, "names between commas")
    return default


FEATURE = Feature(
    title="CORS",
    about="Preflight requests are answered by the gateway, before anything looks at credentials; refused origins get "
    "no header that allows them. With the default origin, *, credentials are never allowed, which is what browsers "
    "make of ingress-nginx's answer. Preflights are answered with 200, not 204.",
    annotations=(
        Annotation(ENABLE, "boolean", "false"),
        Annotation(
            ORIGIN,
            "origins between commas, each with * for one label of the name at most; or *",
            "*",
            Handling.DIFFERS,
            "a value of which nothing can be read allows nobody; in ingress-nginx it allows everybody",
        ),
        Annotation(METHODS, "methods between commas", ", ".join(DEFAULT_METHODS)),
        Annotation(HEADERS, "header names between commas", ",".join(DEFAULT_HEADERS)),
        Annotation(EXPOSE, "header names between commas, or *", "none"),
        Annotation(CREDENTIALS, "boolean", "true"),
        Annotation(MAX_AGE, "seconds", str(DEFAULT_MAX_AGE_S)),
    ),
    apply=_apply,
)
