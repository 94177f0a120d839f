"""Secrets that clients show by themselves: API keys, and signed tokens (RFC 7519).

A token's algorithm is what its key is for, never what the token says alone. Rule: of a secret only its digest is
compared.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

from isthmus.edge.authorization.basic import quoted
from isthmus.edge.authorization.request import Request, fill
from isthmus.edge.authorization.verdict import FORBIDDEN, UNAUTHORIZED, Denied, Granted, Verdict
from isthmus.ir.authorization import ApiKeys, Jwt

_LONGEST = 16_384
_ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "oct": ("HS256", "HS384", "HS512"),
}
_UNCHECKED = {f"verify_{name}": False for name in ("aud", "iat", "jti", "sub")}  # nginx looks at exp and nbf only


class Key(NamedTuple):
    """A key of a set, its name in the set, and what it may have signed with."""

    name: str | None
    value: object
    algorithms: tuple[str, ...]


def api_key(keys: ApiKeys, request: Request) -> Verdict:
    """Whether the request shows one of the keys; the first place where there is any counts."""
    parameters = urllib.parse.parse_qsl(request.target.partition("?")[2], keep_blank_values=False)
    shown = [request.headers.get(name.lower(), "") for name in keys.headers]
    shown += [value for wanted in keys.parameters for name, value in parameters if name == wanted]
    given = next((value for value in shown if value), "")
    if not given:
        return Denied(UNAUTHORIZED, "an API key is required")
    found = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    return Granted() if found in {digest.lower() for _, digest in keys.keys} else Denied(FORBIDDEN, "access denied")


def load(policy: Jwt) -> tuple[Key, ...]:
    """The keys of a set that tokens can be judged by; the others are left out."""
    library: Any = importlib.import_module("jwt")  # slow to load, and few routes want it
    try:
        found = json.loads(policy.keys)["keys"]
        return tuple(key for each in found if (key := _key(library, each)) is not None)
    except (ValueError, TypeError, KeyError):
        return ()


def _key(library: Any, said: Mapping[str, str]) -> Key | None:
    try:
        key = library.PyJWK.from_dict(said)
    except (library.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    wide = _ALGORITHMS.get(key.key_type, (key.algorithm_name,))  # others are for one algorithm by their nature
    named = said.get("alg")
    return Key(key.key_id, key.key, tuple(each for each in wide if named in (None, each)))


def token(policy: Jwt, keys: tuple[Key, ...], request: Request) -> Verdict:
    """Whether the request shows a token that one of the keys has signed and that is valid now."""
    shown = fill((policy.token,), request) if policy.token else _bearer(request)
    if shown and len(shown) <= _LONGEST and _signed(shown, keys):
        return Granted()
    if policy.login and not request.speaks_grpc:
        return Denied(302, "", (("location", policy.login),))
    return Denied(UNAUTHORIZED, "authorization required", (("www-authenticate", _challenge(policy.realm, shown)),))


def _bearer(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _signed(shown: str, keys: tuple[Key, ...]) -> bool:
    library: Any = importlib.import_module("jwt")
    try:
        named = library.get_unverified_header(shown).get("kid")
    except library.PyJWTError:
        return False
    for key in keys:
        if named is not None and key.name is not None and key.name != named:
            continue
        try:
            library.decode(shown, key.value, algorithms=list(key.algorithms), options=_UNCHECKED)
        except (library.PyJWTError, ValueError, TypeError):
            continue
        return True
    return False


def _challenge(realm: str, shown: str) -> str:
    said = f"Bearer realm={quoted(realm)}"
    return f'{said}, error="invalid_token"' if shown else said
