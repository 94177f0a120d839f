"""Secrets of NGINX Inc's own types, read: htpasswd files, JWK sets, API keys; or the reason why one cannot be used.

Rule: a reason names keys, lines and users and never what a Secret holds.
"""

from __future__ import annotations

import hashlib
import json

from isthmus.ir import htpasswd
from isthmus.ir.private import PrivateText
from isthmus.kube.objects import Secret
from isthmus.kube.secret_values import keys, text, value

HTPASSWD_TYPE = "nginx.org/htpasswd"
JWK_TYPE = "nginx.org/jwk"
API_KEY_TYPE = "nginx.org/apikey"

Users = tuple[tuple[str, PrivateText], ...]
_KINDS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}
_MOST_KEYS = 100
_MOST_CLIENTS = 10_000


def users(secret: Secret) -> tuple[htpasswd.Htpasswd, str]:
    """The users of an htpasswd Secret, with those who can never log in, and why there is none."""
    wrong = _type(secret, HTPASSWD_TYPE)
    found, missing = text(secret, "htpasswd")
    parsed = htpasswd.parse("" if wrong else found)
    reason = "" if parsed.users else wrong or missing or "it names no user who can log in"
    return parsed, reason


def jwk_set(secret: Secret) -> tuple[PrivateText, str]:
    """The JWK Set of a Secret, or why there is none."""
    wrong = _type(secret, JWK_TYPE)
    found, missing = text(secret, "jwk")
    reason = wrong or missing or _problem_of_set(found)
    return PrivateText("" if reason else found), reason


def api_keys(secret: Secret) -> tuple[Users, str]:
    """Clients with the digests of their keys, or why there are none."""
    wrong = _type(secret, API_KEY_TYPE)
    clients = tuple(keys(secret))
    if wrong or not clients or len(clients) > _MOST_CLIENTS:
        return (), wrong or f"it has {len(clients)} keys, expected 1 to {_MOST_CLIENTS}"
    digests: list[tuple[str, PrivateText]] = []
    for client in clients:
        key = value(secret, client)
        if isinstance(key, str) or not key:
            return (), key if isinstance(key, str) else f"{client} is empty"
        digests.append((client, PrivateText(hashlib.sha256(key).hexdigest())))
    return tuple(digests), ""


def _type(secret: Secret, wanted: str) -> str:
    return "" if secret.type == wanted else f"its type is {secret.type}, expected {wanted}"


def _problem_of_set(found: str) -> str:
    """Why a text is no JWK Set (RFC 7517) with keys that can verify."""
    try:
        parsed = json.loads(found)
    except (ValueError, RecursionError):
        return "jwk is not JSON"
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_KEYS:
        return f"jwk is no JWK Set: expected keys, a list of 1 to {_MOST_KEYS}"
    for index, key in enumerate(listed):
        kind = key.get("kty") if isinstance(key, dict) else None
        if not isinstance(kind, str) or kind not in _KINDS:
            return f"key {index} of jwk has no kty that is known ({', '.join(_KINDS)})"
        missing = [name for name in _KINDS[kind] if not isinstance(key.get(name), str) or not key[name]]
        if missing:
            return f"key {index} of jwk has no {missing[0]}"
    return ""
