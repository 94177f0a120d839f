"""API keys, and signed tokens: who is let in, and which forgeries are not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from msgspec.structs import replace

from isthmus.edge.authorization import keys
from isthmus.edge.authorization.request import Request
from isthmus.edge.authorization.verdict import Denied, Granted, Verdict
from isthmus.ir.authorization import ApiKeys, Jwt
from isthmus.ir.private import PrivateText
from isthmus.ir.template import Of, Variable

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
SHARED = b"a secret that is shared and long enough for HS512, so that nobody complains"
OTHER_RSA = rsa.generate_private_key(65537, 2048)


def _jwk(algorithm: Any, key: Any, **more: str) -> dict[str, str]:
    return {**json.loads(algorithm.to_jwk(key.public_key())), **more}


OCT = {"kty": "oct", "k": base64.urlsafe_b64encode(SHARED).decode().rstrip("="), "kid": "shared"}
SET = [
    _jwk(RSAAlgorithm, RSA_KEY, kid="rsa"),
    _jwk(ECAlgorithm, EC_KEY, kid="ec"),
    _jwk(OKPAlgorithm, ED_KEY, kid="ed"),
    OCT,
]
POLICY = Jwt('my "realm"', PrivateText(json.dumps({"keys": SET})))
REQUEST = Request("GET", "/?t=1", "shop.test", {})


def shown(policy: Jwt, text: str) -> Verdict:
    request = REQUEST._replace(headers={"authorization": f"Bearer {text}"})
    return keys.token(policy, keys.load(policy), request)


def signed(key: Any, algorithm: str, headers: dict[str, str] | None = None, **claims: object) -> str:
    return jwt.encode({"sub": "ann", **claims}, key, algorithm=algorithm, headers=headers)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA_KEY, "RS256"),
        (RSA_KEY, "RS512"),
        (RSA_KEY, "PS256"),
        (EC_KEY, "ES256"),
        (ED_KEY, "EdDSA"),
        (SHARED, "HS256"),
    ],
)
def test_tokens_that_were_signed(key: Any, algorithm: str) -> None:
    assert shown(POLICY, signed(key, algorithm)) == Granted()


def test_a_key_is_chosen_by_its_name() -> None:
    assert shown(POLICY, signed(RSA_KEY, "RS256", {"kid": "rsa"})) == Granted()
    assert isinstance(shown(POLICY, signed(RSA_KEY, "RS256", {"kid": "ec"})), Denied)


@pytest.mark.parametrize(
    ("claims", "let_in"),
    [
        ({"exp": timedelta(minutes=1)}, True),
        ({"exp": timedelta(minutes=-1)}, False),
        ({"nbf": timedelta(minutes=1)}, False),
        ({"nbf": timedelta(minutes=-1)}, True),
        ({"exp": "soon"}, False),
        ({"aud": "others", "iss": "anybody", "iat": timedelta(minutes=1), "sub": 7, "jti": 7}, True),
    ],
)
def test_times_count_and_other_claims_do_not(claims: dict[str, object], let_in: bool) -> None:
    now = time.time()
    claims = {key: now + each.total_seconds() if isinstance(each, timedelta) else each for key, each in claims.items()}
    assert isinstance(shown(POLICY, signed(SHARED, "HS256", None, **claims)), Granted) is let_in


def _forged(header: dict[str, str], signature: str = "") -> str:
    parts = (json.dumps(each).encode() for each in (header, {"sub": "eve"}))
    return ".".join((*(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts), signature))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        "ü.ü.ü",
        "x" * 20_000,
        _forged({"alg": "none"}),
        _forged({"alg": "None", "typ": "JWT"}),
        _forged({"alg": "HS256"}, "AAAA"),
        _forged({"alg": "RS256", "kid": "rsa"}, "AAAA"),
        signed(OTHER_RSA, "RS256"),
        signed(OTHER_RSA, "RS256", {"kid": "rsa"}),
        signed(ec.generate_private_key(ec.SECP256R1()), "ES256"),
        signed(b"another secret that is long enough for it", "HS256"),
        signed(SHARED, "HS256", {"crit": "x"}),
        signed(SHARED, "HS256")[:-2],
    ],
)
def test_forgeries(text: str) -> None:
    verdict = shown(POLICY, text)
    assert isinstance(verdict, Denied)
    assert verdict.status == 401


def test_the_public_key_is_no_shared_secret() -> None:
    only = replace(POLICY, keys=PrivateText(json.dumps({"keys": [SET[0]]})))
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, SET[0]["n"].encode(), json.dumps(SET[0]).encode()):
        text = _forged({"alg": "HS256", "typ": "JWT"}, "").rstrip(".")
        signature = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), "sha256")).decode().rstrip("=")
        assert isinstance(shown(only, f"{text}.{signature}"), Denied)


def test_a_key_for_one_algorithm_is_for_no_other() -> None:
    only = replace(POLICY, keys=PrivateText(json.dumps({"keys": [{**SET[0], "alg": "RS512"}]})))
    assert isinstance(shown(only, signed(RSA_KEY, "RS256")), Denied)
    assert shown(only, signed(RSA_KEY, "RS512")) == Granted()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', '{"keys": [1, {"kty": "oct"}, {"kty": "x"}]}', "nul"])
def test_a_set_without_keys_lets_nobody_in(text: str) -> None:
    policy = replace(POLICY, keys=PrivateText(text))
    assert keys.load(policy) == ()
    assert isinstance(shown(policy, signed(SHARED, "HS256")), Denied)


def test_where_a_token_is_looked_for() -> None:
    token = signed(SHARED, "HS256")
    for variable, request in (
        (Variable(Of.HEADER, "x-token"), REQUEST._replace(headers={"x-token": token})),
        (Variable(Of.COOKIE, "t"), REQUEST._replace(headers={"cookie": f"a=b; t={token}"})),
        (Variable(Of.PARAMETER, "t"), REQUEST._replace(target=f"/?a=b&t={token}")),
    ):
        policy = replace(POLICY, token=variable)
        assert keys.token(policy, keys.load(policy), request) == Granted()
        assert isinstance(keys.token(policy, keys.load(policy), REQUEST), Denied)


def test_what_is_answered() -> None:
    nothing = keys.token(POLICY, keys.load(POLICY), REQUEST)
    bad = shown(POLICY, "x.y.z")
    assert isinstance(nothing, Denied) and isinstance(bad, Denied)
    assert nothing.headers == (("www-authenticate", r'Bearer realm="my \"realm\""'),)
    assert bad.headers == (("www-authenticate", r'Bearer realm="my \"realm\"", error="invalid_token"'),)


def test_who_is_not_known_is_sent_to_log_in() -> None:
    policy = replace(POLICY, login="https://login.test/")
    assert keys.token(policy, (), REQUEST) == Denied(302, "", (("location", "https://login.test/"),))
    grpc = keys.token(policy, (), REQUEST._replace(headers={"content-type": "application/grpc"}))
    assert isinstance(grpc, Denied)
    assert grpc.status == 401


API = ApiKeys(
    ("X-Key", "X-Other"), ("key",), (("ann", PrivateText(hashlib.sha256("sécret".encode()).hexdigest().upper())),)
)


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("/", {"x-key": "sécret"}, 200),
        ("/", {"x-other": "sécret"}, 200),
        ("/?key=s%C3%A9cret", {}, 200),
        ("/?key=&key=s%C3%A9cret", {}, 200),
        ("/", {}, 401),
        ("/?other=s%C3%A9cret", {"x-none": "sécret"}, 401),
        ("/", {"x-key": ""}, 401),
        ("/", {"x-key": "wrong"}, 403),
        ("/?key=s%C3%A9cret", {"x-key": "wrong"}, 403),
        ("/", {"x-key": "\udcff"}, 403),
        ("/", {"x-key": hashlib.sha256("sécret".encode()).hexdigest()}, 403),
    ],
)
def test_api_keys(target: str, headers: dict[str, str], expected: int) -> None:
    verdict = keys.api_key(API, REQUEST._replace(target=target, headers=headers))
    assert (200 if isinstance(verdict, Granted) else verdict.status) == expected
