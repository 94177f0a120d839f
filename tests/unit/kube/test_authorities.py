"""Authorities of a Secret: what every TLS library can load, or a reason that shows nothing of the Secret."""

from __future__ import annotations

import base64

import pytest

from isthmus.edge import pki
from isthmus.kube.authorities import Authorities, parse_authorities
from isthmus.kube.objects import Meta, Secret

ONE, TWO = pki.authority("One"), pki.authority("Two")
CRL = pki.revocation_list(ONE, [pki.client(ONE, "gone")])


def parsed(**data: bytes) -> Authorities | str:
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return parse_authorities(Secret(metadata=Meta("s", "n"), data=encoded))


def test_only_certificates_are_kept_and_each_once() -> None:
    text = b"# comment\n" + ONE.cert_pem + b"\n\n" + TWO.cert_pem + ONE.cert_pem + ONE.key_pem
    assert parsed(ca_crt=text) == Authorities(ONE.cert_pem + TWO.cert_pem)


def test_revocation_lists() -> None:
    found = parsed(ca_crt=ONE.cert_pem, ca_crl=b"# comment\n" + CRL + CRL)
    assert isinstance(found, Authorities)
    assert found.revoked.count(b"BEGIN X509 CRL") == 2


def test_both_forms_of_data() -> None:
    secret = Secret(metadata=Meta("s", "n"), string_data={"ca.crt": ONE.cert_pem.decode()})
    assert parse_authorities(secret) == Authorities(ONE.cert_pem)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "it has no ca.crt"),
        ({"ca_crt": b""}, "ca.crt or ca.crl is not PEM that can be read"),
        ({"ca_crt": b"\xff\x00"}, "ca.crt or ca.crl is not PEM that can be read"),
        ({"ca_crt": ONE.cert_pem.replace(b"M", b"!", 3)}, "ca.crt or ca.crl is not PEM that can be read"),
        ({"ca_crt": ONE.key_pem}, "ca.crt or ca.crl is not PEM that can be read"),
        ({"ca_crt": pki.client(ONE, "leaf").cert_pem}, "ca.crt holds no certificate of an authority"),
        ({"ca_crt": ONE.cert_pem, "ca_crl": ONE.cert_pem}, "ca.crl holds no revocation list"),
        ({"ca_crt": ONE.cert_pem, "ca_crl": CRL[:200]}, "ca.crl holds no revocation list"),
        ({"ca_crt": ONE.cert_pem, "ca_crl": CRL.replace(b"MI", b"AA", 1)}, "ca.crt or ca.crl is not PEM"),
    ],
)
def test_secrets_without_authorities(data: dict[str, bytes], reason: str) -> None:
    found = parsed(**data)
    assert isinstance(found, str)
    assert found.startswith(reason)


def test_an_empty_list_of_revocations_is_none() -> None:
    assert parsed(ca_crt=ONE.cert_pem, ca_crl=b"\n") == Authorities(ONE.cert_pem)
