"""load-balance and upstream-hash-by: which endpoint of the Service takes a request.

A hash beats load-balance, and a session's cookie beats both. Source: ingress-nginx, user guide, "Custom NGINX load
balancing" and "Custom NGINX upstream hashing". A value that cannot be used falls back: every endpoint can answer.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.hash_keys import hash_key
from isthmus.dialects.ingress.grammar.nginx_variables import constants
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Balance

METHOD = "nginx.ingress.kubernetes.io/load-balance"
HASH = "nginx.ingress.kubernetes.io/upstream-hash-by"
SUBSET = "nginx.ingress.kubernetes.io/upstream-hash-by-subset"
SUBSET_SIZE = "nginx.ingress.kubernetes.io/upstream-hash-by-subset-size"

_METHODS = {"ROUND_ROBIN": Balance.ROUND_ROBIN, "EWMA": Balance.LEAST_REQUEST}
_MOST = 1_000_000


def _apply(view: View, draft: Draft) -> Draft:
    word = view.word(METHOD, tuple(_METHODS), "ROUND_ROBIN")
    if word == "EWMA":
        view.differs(METHOD, "Envoy does not measure answer times; of two endpoints the less busy one is taken")
    draft = replace(draft, balance=_METHODS[word])
    subset = view.boolean(SUBSET, False)
    view.integer(SUBSET_SIZE, 3, 0, _MOST)
    text = view.text(HASH)
    if not text:
        for key in (SUBSET, SUBSET_SIZE):
            if view.given(key):
                view.say(codes.ALONE, key, other=HASH)
        return draft
    hashed = hash_key(text, constants(view.namespace, view.name, draft.service))
    if isinstance(hashed, str):
        view.invalid(HASH, text[:200], f"text with at least one of nginx's variables ({hashed})")
        return draft
    if subset:
        view.differs(SUBSET, "each value of the key goes to one endpoint, not to one of several")
    return replace(draft, balance=Balance.HASH, hash_key=hashed)


FEATURE = Feature(
    title="Load balancing",
    about="Which endpoint takes a request. With a hash, requests with the same value go to the same endpoint, and when "
    "endpoints come or go few values move. Requests that lack every value of the key go to one endpoint, as in nginx.",
    annotations=(
        Annotation(
            METHOD,
            "round_robin or ewma",
            "round_robin",
            Handling.DIFFERS,
            "ewma is the endpoint with fewer requests of two, because Envoy does not measure answer times",
            setting="load-balance",
            met_by="ewma",
        ),
        Annotation(
            HASH,
            "text with variables: $request_uri, $remote_addr, $host, $http_NAME, $cookie_NAME, $arg_NAME, ...",
            "none",
            Handling.DIFFERS,
            "another ring than nginx's: a value may lead to another endpoint than it does there",
        ),
        Annotation(
            SUBSET,
            "boolean",
            "false",
            Handling.DIFFERS,
            "each value goes to one endpoint, which is a subset too, only smaller",
            met_by=TRUE,
        ),
        Annotation(
            SUBSET_SIZE, "a number", "3", Handling.DIFFERS, "checked, and then not needed: a value has one endpoint"
        ),
    ),
    apply=_apply,
)
