"""NGINX Inc's annotations that restrict access: absent, valid, invalid or missing, none of it opens a path."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from nginx_org_drafts import HOSTILE, Drafted, drafted, secret

from isthmus.ir.authorization import BasicAuth, Jwt
from isthmus.ir.policy import RateLimit
from isthmus.ir.template import Of, Variable

N, P = "nginx.org/", "nginx.com/"
HASH = "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00"
USERS = secret("users", "nginx.org/htpasswd", htpasswd=f"ann:{HASH}\n# a remark\nbob:{HASH}\n")
KEY = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "kid": "a", "alg": "HS256"}
JWKS = json.dumps({"keys": [KEY]})
KEYS = secret("keys", "nginx.org/jwk", jwk=JWKS)
CLIENT = (Variable(Of.CLIENT),)
HOST_AND_HEADER = (Variable(Of.HOST), Variable(Of.HEADER, "x-a"))


def closed(result: Drafted, *codes: str) -> bool:
    return result.draft.closed and result.policy.authorization is None and result.codes == sorted(codes)


def test_basic_auth() -> None:
    result = drafted({N + "basic-auth-secret": "users", N + "basic-auth-realm": "Cafe"}, USERS)
    assert result.policy.authorization is not None
    assert result.policy.authorization.basic == BasicAuth("Cafe", (("ann", HASH), ("bob", HASH)))
    assert (result.draft.closed, result.codes) == (False, [])
    assert HASH not in repr(result)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (None, "ISTH0125"),
        (secret("users", "Opaque", htpasswd=f"ann:{HASH}"), "ISTH0126"),
        (secret("users", "nginx.org/htpasswd", auth=f"ann:{HASH}"), "ISTH0126"),
        (secret("users", "nginx.org/htpasswd", htpasswd="\n\n"), "ISTH0126"),
        (secret("users", "nginx.org/htpasswd", "other", htpasswd=f"ann:{HASH}"), "ISTH0125"),
    ],
)
def test_without_users_nobody_gets_in(found: object, code: str) -> None:
    objects = [found] if found is not None else []
    assert closed(drafted({N + "basic-auth-secret": "users"}, *objects), code)  # type: ignore[arg-type]


def test_one_bad_line_keeps_only_itself_out() -> None:
    bad = secret("users", "nginx.org/htpasswd", htpasswd=f"ann:plain\nbob:{HASH}")
    result = drafted({N + "basic-auth-secret": "users"}, bad)
    assert result.policy.authorization is not None
    assert result.policy.authorization.basic == BasicAuth("", (("bob", HASH),))
    assert (result.draft.closed, result.codes) == (False, ["ISTH0170"])


@pytest.mark.parametrize("value", [*HOSTILE, "Users", "a/b/c", "users,other"])
def test_names_of_secrets_that_are_none_close(value: str) -> None:
    for key in (N + "basic-auth-secret", P + "jwt-key"):
        result = drafted({key: value}, USERS, KEYS)
        assert result.draft.closed
        assert result.policy.authorization is None


def test_another_namespace_closes() -> None:
    other = secret("users", "nginx.org/htpasswd", "other", htpasswd=f"ann:{HASH}")
    assert closed(drafted({N + "basic-auth-secret": "other/users"}, other), "ISTH0123")


def test_a_realm_alone_asks_for_nothing() -> None:
    result = drafted({N + "basic-auth-realm": "Cafe"})
    assert (result.draft.closed, result.policy.authorization, result.codes) == (False, None, ["ISTH0180"])


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (None, None),
        ("$http_authorization", None),
        ("$http_x_token", Variable(Of.HEADER, "x-token")),
        ("$cookie_auth", Variable(Of.COOKIE, "auth")),
        ("${arg_token}", Variable(Of.PARAMETER, "token")),
    ],
)
def test_tokens(token: str | None, expected: Variable | None) -> None:
    asked = {P + "jwt-key": "keys", P + "jwt-realm": "Cafe", P + "jwt-login-url": "https://login.example.com/a?b=c"}
    result = drafted(asked | ({P + "jwt-token": token} if token else {}), KEYS)
    assert result.policy.authorization is not None
    found = result.policy.authorization.jwt
    assert found == Jwt("Cafe", JWKS, expected, "https://login.example.com/a?b=c")  # type: ignore[arg-type]
    assert (result.codes, "c2VjcmV0" in repr(result)) == ([], False)


@pytest.mark.parametrize("token", ["token", "$http_a$http_b", "$host", "$nobody", "Bearer $http_a", "$http_"])
def test_places_of_tokens_that_are_none_close(token: str) -> None:
    assert closed(drafted({P + "jwt-key": "keys", P + "jwt-token": token}, KEYS), "ISTH0124")


@pytest.mark.parametrize(
    "jwk",
    [
        "",
        "{",
        "[]",
        '{"keys": []}',
        '{"keys": {}}',
        '{"keys": [1]}',
        '{"keys": [{"kty": "none"}]}',
        '{"keys": [{"kty": "RSA", "e": "AQAB"}]}',
        '{"keys": [{"kty": ["oct"], "k": "x"}]}',
        json.dumps(KEY),
        json.dumps({"keys": [KEY] * 101}),
        "[" * 100_000,
    ],
)
def test_keys_that_cannot_be_used_close(jwk: str) -> None:
    assert closed(drafted({P + "jwt-key": "keys"}, secret("keys", "nginx.org/jwk", jwk=jwk)), "ISTH0126")


def test_keys_of_another_type_or_none_close() -> None:
    assert closed(drafted({P + "jwt-key": "keys"}, secret("keys", "Opaque", jwk=JWKS)), "ISTH0126")
    assert closed(drafted({P + "jwt-key": "keys"}), "ISTH0125")


@pytest.mark.parametrize(
    "value", [*(v for v in HOSTILE if v), "/login", "javascript:x", "https://$host/", "https://a b/"]
)
def test_login_urls_that_cannot_be_read_leave_the_401(value: str) -> None:
    result = drafted({P + "jwt-key": "keys", P + "jwt-login-url": value}, KEYS)
    assert result.policy.authorization is not None
    assert result.policy.authorization.jwt is not None
    assert (result.policy.authorization.jwt.login, result.codes) == ("", ["ISTH0114"])


WIDE = {"rate": "1r/s", "burst": "x", "dry-run": "x", "reject-code": "200"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"rate": "10r/s"}, RateLimit(10, 1_000, key=CLIENT, status=429)),
        ({"rate": "30r/m", "burst": "5", "no-delay": "true"}, RateLimit(30, 60_000, 5, CLIENT, status=429)),
        ({"rate": "1r/s", "key": "$host$http_x_a"}, RateLimit(1, 1_000, 0, HOST_AND_HEADER, status=429)),
        ({"rate": "1r/s", "dry-run": "true", "reject-code": "503"}, RateLimit(1, 1_000, 0, CLIENT, dry_run=True)),
        (WIDE, RateLimit(1, 1_000, 0, CLIENT, status=429)),
    ],
)
def test_rate_limits(asked: dict[str, str], expected: RateLimit) -> None:
    result = drafted({f"{N}limit-req-{key}": value for key, value in asked.items()})
    placed = replace(expected, place="default/cafe")
    assert (result.policy.limits, result.draft.closed) == ((placed,), False)


@pytest.mark.parametrize("value", [*HOSTILE, "10", "0r/s", "-1r/s", "10r/h", "1.5r/s", "10 r/s", "99999999r/s"])
def test_rates_that_cannot_be_read_close(value: str) -> None:
    result = drafted({N + "limit-req-rate": value})
    assert (result.draft.closed, result.policy.limits, result.codes) == (True, (), ["ISTH0124"])


@pytest.mark.parametrize("value", ["$nobody", "$ssl_client_cert", "a\nb", "x" * 9_000])
def test_keys_that_cannot_be_counted_by_close(value: str) -> None:
    result = drafted({N + "limit-req-rate": "1r/s", N + "limit-req-key": value})
    assert (result.draft.closed, result.codes) == (True, ["ISTH0124"])


def test_parts_of_a_limit_alone_limit_nothing() -> None:
    result = drafted({N + "limit-req-burst": "5", N + "limit-req-zone-size": "10m"})
    assert (result.policy.limits, result.draft.closed, result.codes) == ((), False, ["ISTH0180"])


def test_ciphers() -> None:
    tls = drafted({N + "ssl-ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}).draft.host_tls
    assert (tls.ciphers, tls.client_order) == (("ECDHE-RSA-AES128-GCM-SHA256",), True)
    both = {N + "ssl-ciphers": "ECDHE-RSA-AES128-GCM-SHA256", N + "ssl-prefer-server-ciphers": "true"}
    assert drafted(both).draft.host_tls.client_order is False


@pytest.mark.parametrize("value", [*HOSTILE, "RC4-MD5", "!ALL"])
def test_ciphers_that_leave_nothing_close(value: str) -> None:
    result = drafted({N + "ssl-ciphers": value})
    assert (result.draft.closed, result.codes) == (True, ["ISTH0124"])
