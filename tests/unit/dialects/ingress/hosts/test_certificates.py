"""What is said about certificates: by the names that they are for, and by the time at which they are looked at."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from manifests import NOW, codes, objects, pipeline, tls_secret

from isthmus.edge import pki
from isthmus.kube.certificates import Broken, Pair, parse_pair
from isthmus.kube.objects import Meta, Secret, ref_of

TEXT = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  tls: [{hosts: [a.test], secretName: pair}]
  rules: [{host: a.test}]
"""
CA = pki.authority("Test CA")
REAL_NOW = datetime.datetime.now(datetime.UTC)


def said(pair: pki.Pair, after: datetime.timedelta = datetime.timedelta()) -> list[str]:
    made = pipeline(now=NOW)
    made.at(REAL_NOW + after)  # what counts is the time at which it is looked at
    return codes(made.apply([*objects(TEXT), tls_secret("pair", pair.cert_pem, pair.key_pem)]).found)


def test_a_good_pair_is_not_worth_a_word() -> None:
    assert said(pki.leaf(CA, ["a.test"], days=90)) == []


@pytest.mark.parametrize("hosts", [["a.test"], ["*.test"]])
def test_names_that_cover_the_host(hosts: list[str]) -> None:
    assert said(pki.leaf(CA, hosts)) == []


def test_other_names_no_names_and_a_misleading_issuer() -> None:
    assert said(pki.leaf(CA, ["b.test", "*.a.test"])) == ["ISTH0134"]
    assert said(pki.leaf(CA, ["a.test"], with_san=False)) == ["ISTH0133"]
    assert said(pki.leaf(pki.authority("*.test"), ["a.test"])) == ["ISTH0137"]


@pytest.mark.parametrize(("days", "code"), [(60, []), (80, ["ISTH0136"]), (100, ["ISTH0135"]), (-30, ["ISTH0135"])])
def test_time_passes(days: int, code: list[str]) -> None:
    assert said(pki.leaf(CA, ["a.test"], days=90), datetime.timedelta(days=days)) == code


def test_what_time_changes_is_told_when_it_happens() -> None:
    made, pair = pipeline(now=REAL_NOW), pki.leaf(CA, ["a.test"], days=90)
    made.apply([*objects(TEXT), tls_secret("pair", pair.cert_pem, pair.key_pem)])
    steps = []
    while (moment := made.memo.next_moment()) is not None:
        assert moment > made.memo.options.now
        made.at(moment - datetime.timedelta(seconds=1))
        assert made.apply(()).found == ()
        made.at(moment)
        update = made.apply(())
        steps.append(((moment - REAL_NOW).days, codes(update.found), codes(update.resolved)))
        assert update.changes == ()
    assert steps == [(69, ["ISTH0136"], []), (90, ["ISTH0135"], ["ISTH0136"])]


def test_a_certificate_that_is_gone_or_renewed_is_not_waited_for() -> None:
    made, old, new = pipeline(now=REAL_NOW), pki.leaf(CA, ["a.test"], days=30), pki.leaf(CA, ["a.test"], days=90)
    made.apply([*objects(TEXT), tls_secret("pair", old.cert_pem, old.key_pem)])
    first = made.memo.next_moment()
    made.apply([tls_secret("pair", new.cert_pem, new.key_pem)])
    second = made.memo.next_moment()
    assert first is not None and second is not None and (second - first).days == 60
    made.apply((), [ref_of(each) for each in objects(TEXT)])
    assert made.memo.next_moment() is None


@pytest.mark.parametrize(
    ("cert", "key", "reason"),
    [
        (None, None, "it has no tls.crt"),
        (b"", b"", "not a PEM certificate chain"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"x", "not a PEM certificate chain"),
        (CA.cert_pem, b"junk", "not a PEM private key"),
        (CA.cert_pem, pki.leaf(CA, ["x.test"]).key_pem, "does not belong to the first certificate"),
    ],
)
def test_what_is_no_pair(cert: bytes | None, key: bytes | None, reason: str) -> None:
    secret = tls_secret("x", cert, key or b"") if cert is not None else Secret(metadata=Meta("x", "default"))
    found = parse_pair(secret)
    assert isinstance(found, Broken)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("key", "fine"),
    [
        (rsa.generate_private_key(65537, 1024), False),
        (rsa.generate_private_key(65537, 2048), True),
        (ec.generate_private_key(ec.SECP384R1()), True),
        (ec.generate_private_key(ec.SECP224R1()), False),
    ],
    ids=["rsa-1024", "rsa-2048", "p-384", "p-224"],
)
def test_kinds_of_keys_that_envoy_takes(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, fine: bool) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, REAL_NOW, REAL_NOW + datetime.timedelta(days=9))
    cert = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    assert isinstance(parse_pair(tls_secret("x", cert, pem)), Pair) is fine


def test_a_chain_is_judged_by_its_first_certificate() -> None:
    middle = pki.authority("Middle", CA)
    pair = pki.leaf(middle, ["a.test"])
    found = parse_pair(tls_secret("x", pair.cert_pem, pair.key_pem))
    assert isinstance(found, Pair)
    assert found.names == ("a.test",)
    assert found.chain.count(b"BEGIN CERTIFICATE") == 2


def test_key_material_is_in_no_repr() -> None:
    pair = pki.leaf(CA, ["a.test"])
    secret = tls_secret("x", pair.cert_pem, pair.key_pem)
    assert "PRIVATE" not in repr(secret) + repr(parse_pair(secret))
