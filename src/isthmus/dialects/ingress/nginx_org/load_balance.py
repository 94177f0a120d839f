"""lb-method: how one of the endpoints is chosen; `random two least_conn` by default, which is Envoy's least request.

Source: NGINX Ingress Controller, ConfigMap `lb-method`; nginx, ngx_http_upstream_module. A hash key that cannot be
read falls back to the default: every endpoint can answer every request.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.hash_keys import hash_key
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Balance
from isthmus.ir.template import Of, Template, Variable

METHOD = "nginx.org/lb-method"

_METHODS = {
    "round_robin": Balance.ROUND_ROBIN,
    "least_conn": Balance.LEAST_REQUEST,
    "random": Balance.RANDOM,
    "random two": Balance.LEAST_REQUEST,
    "random two least_conn": Balance.LEAST_REQUEST,
    "random two least_time=header": Balance.LEAST_REQUEST,
    "random two least_time=last_byte": Balance.LEAST_REQUEST,
    "least_time header": Balance.LEAST_REQUEST,
    "least_time last_byte": Balance.LEAST_REQUEST,
    "least_time header inflight": Balance.LEAST_REQUEST,
    "least_time last_byte inflight": Balance.LEAST_REQUEST,
}

_EXPECTED = "round_robin, least_conn, ip_hash, random, random two least_conn, or hash with a key and maybe consistent"


def _apply(view: View, draft: Draft) -> Draft:
    value = " ".join((view.text(METHOD) or "").split())
    known = _METHODS.get(value)
    if view.text(METHOD) is None:
        return replace(draft, balance=Balance.LEAST_REQUEST)
    if known is not None:
        if "least_time" in value:
            view.differs(METHOD, "Envoy does not measure answer times; the endpoint with fewer requests is chosen")
        return replace(draft, balance=known)
    if value == "ip_hash":
        return replace(draft, balance=Balance.HASH, hash_key=(Variable(Of.CLIENT),))
    key = _hash_key(value, constants(view, draft))
    if isinstance(key, str):
        view.invalid(METHOD, value or "empty", f"{_EXPECTED}{key}")
        return replace(draft, balance=Balance.LEAST_REQUEST)
    return replace(draft, balance=Balance.HASH, hash_key=key)


def _hash_key(value: str, names: Mapping[str, str]) -> Template | str:
    """The key of `hash key [consistent]`, or why there is none."""
    words = value.split(" ")
    if words[0] != "hash" or len(words) not in (2, 3) or words[2:] not in ([], ["consistent"]):
        return ""
    key = hash_key(words[1], names)
    return f" ({key})" if isinstance(key, str) else key


FEATURE = Feature(
    title="Load balancing",
    about="How one of the endpoints is chosen. The default, two at random and the less busy one of them, is what Envoy "
    "does as least request.",
    annotations=(
        Annotation(
            METHOD,
            "round_robin, least_conn, ip_hash, random [two [least_conn]], hash KEY [consistent], or least_time ...",
            "random two least_conn",
            Handling.DIFFERS,
            "least_conn compares two endpoints at random, not all; hashes are always consistent; ip_hash takes the "
            "whole address, nginx the first three bytes of an IPv4 one; least_time is the least busy",
            setting="lb-method",
            met_by="(?!round_robin$).*",
        ),
    ),
    apply=_apply,
    always=True,
)
