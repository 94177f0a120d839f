"""proxy-ssl-*: certificates to and from backends; what is to be verified and cannot be closes the path."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.nginx.backend_tls import FEATURE
from isthmus.edge import pki
from isthmus.ir.backend import Trust
from isthmus.kube.objects import Meta, Secret

CA = pki.authority("backends")
PAIR = pki.client(CA, "gateway")
OTHER = pki.client(CA, "other")
FULL = {"ca.crt": CA.cert_pem.decode(), "tls.crt": PAIR.cert_pem.decode(), "tls.key": PAIR.key_pem.decode()}
SECRET, VERIFY, NAME = "proxy-ssl-secret", "proxy-ssl-verify", "proxy-ssl-name"
VERIFIED = {SECRET: "tls", VERIFY: "on", NAME: "backend.test"}


def secret(namespace: str = "shop", **data: str) -> Secret:
    named = {name.replace("_", "."): text for name, text in data.items()}
    return Secret(metadata=Meta("tls", namespace), type="Opaque", string_data=named)


ALL = secret(**FULL)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({VERIFY: "off"}, Trust()),
        ({SECRET: "tls"}, Trust(chain_pem=PAIR.cert_pem, key_pem=PAIR.key_pem)),
        ({SECRET: "shop/tls", VERIFY: "off"}, Trust(chain_pem=PAIR.cert_pem, key_pem=PAIR.key_pem)),
        (VERIFIED, Trust("", "backend.test", "", "", CA.cert_pem, PAIR.cert_pem, PAIR.key_pem)),
        ({NAME: "backend.test"}, Trust()),
        ({NAME: "backend.test", "proxy-ssl-server-name": "on"}, Trust(name="backend.test")),
        ({"proxy-ssl-protocols": "TLSv1.2"}, Trust(versions=("1.2", "1.2"))),
        ({"proxy-ssl-protocols": "TLSv1.3 TLSv1.1"}, Trust(versions=("1.1", "1.3"))),
        ({"proxy-ssl-ciphers": "DEFAULT"}, Trust()),
        ({"proxy-ssl-ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}, Trust(ciphers=("ECDHE-RSA-AES128-GCM-SHA256",))),
    ],
)
def test_trust(given: dict[str, str], expected: Trust) -> None:
    found = drafted(FEATURE, given, objects=[ALL])
    assert (found.draft.trust, found.draft.closed, found.codes) == (expected, False, [])


def test_chains_are_not_counted() -> None:
    found = drafted(FEATURE, {**VERIFIED, "proxy-ssl-verify-depth": "3"}, objects=[ALL])
    assert (found.draft, found.codes) == (drafted(FEATURE, VERIFIED, objects=[ALL]).draft, ["ISTH0122"])
    assert drafted(FEATURE, {**VERIFIED, VERIFY: "off", "proxy-ssl-verify-depth": "3"}, objects=[ALL]).codes == []


def test_ciphers_that_envoy_lacks_are_named() -> None:
    found = drafted(FEATURE, {"proxy-ssl-ciphers": "HIGH:!aNULL:!MD5:CAMELLIA256-SHA"})
    assert found.draft.trust is not None
    assert "AES256-GCM-SHA384" in found.draft.trust.ciphers
    assert (found.codes, "CAMELLIA256-SHA" in found.messages) == (["ISTH0122"], True)


@pytest.mark.parametrize(
    ("data", "given", "closed"),
    [
        # The truth table of proxy-ssl-verify: the Secret, what it holds, and what becomes of the path.
        (None, {}, False),
        (None, {VERIFY: "off"}, False),
        (None, {VERIFY: "on"}, True),
        (None, {VERIFY: "on", NAME: "backend.test"}, True),
        (None, VERIFIED, True),
        (None, {SECRET: "tls"}, True),
        (FULL, VERIFIED, False),
        (FULL, {SECRET: "tls", VERIFY: "on"}, True),
        (FULL, {**VERIFIED, VERIFY: "yes"}, True),
        (FULL, {**VERIFIED, NAME: "$host"}, True),
        ({"ca.crt": FULL["ca.crt"]}, VERIFIED, False),
        ({"ca.crt": "no certificate"}, VERIFIED, True),
        ({"ca.crt": ""}, VERIFIED, True),
        ({"tls.crt": FULL["tls.crt"], "tls.key": FULL["tls.key"]}, VERIFIED, True),
        ({"tls.crt": FULL["tls.crt"], "tls.key": FULL["tls.key"]}, {SECRET: "tls"}, False),
        ({**FULL, "tls.key": OTHER.key_pem.decode()}, VERIFIED, True),
        ({**FULL, "tls.key": "broken"}, {SECRET: "tls"}, True),
        ({"tls.crt": FULL["tls.crt"]}, {SECRET: "tls"}, True),
        ({}, {SECRET: "tls"}, True),
        ({"other": "x"}, {SECRET: "tls"}, True),
        (FULL, {SECRET: "other/tls"}, True),
        (FULL, {SECRET: "missing"}, True),
    ],
)
def test_what_cannot_be_verified_is_closed(data: dict[str, str] | None, given: dict[str, str], closed: bool) -> None:
    found = drafted(FEATURE, given, objects=[] if data is None else [secret(**data)])
    assert (found.draft.closed, bool(found.codes)) == (closed, closed)


def test_nothing_of_a_secret_is_told() -> None:
    found = drafted(FEATURE, VERIFIED, objects=[secret(**{**FULL, "tls.key": "hunter2"})])
    assert "hunter2" not in found.messages
    assert found.codes == ["ISTH0126"]


SIGNS = {NAME: {"nonsense", "1e3", "nil"}}


@pytest.mark.parametrize("name", [each.name for each in FEATURE.annotations if each.restricts])
@pytest.mark.parametrize("value", NONSENSE)
def test_what_cannot_be_read_closes(name: str, value: str) -> None:
    found = drafted(FEATURE, {**VERIFIED, name: value}, objects=[ALL])
    if value in SIGNS.get(name, set()):
        assert found.draft.trust is not None
        assert (found.draft.trust.name, found.draft.closed) == (value, False)
    else:
        assert found.draft.closed
        assert found.codes


@pytest.mark.parametrize("value", NONSENSE)
def test_a_switch_for_the_name_falls_back(value: str) -> None:
    found = drafted(FEATURE, {NAME: "backend.test", "proxy-ssl-server-name": value})
    assert (found.draft.trust, found.draft.closed, found.codes) == (Trust(), False, ["ISTH0114"])


def test_a_name_to_send_wants_a_name() -> None:
    found = drafted(FEATURE, {"proxy-ssl-server-name": "on"})
    assert (found.draft.trust, found.codes) == (Trust(), ["ISTH0150"])
    said = drafted(FEATURE, {**VERIFIED, "proxy-ssl-server-name": "off"}, objects=[ALL])
    assert said.codes == ["ISTH0122"]
