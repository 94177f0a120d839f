"""auth-tls-*: what one Ingress asks for, and that nothing that cannot be honoured ever lets anybody in."""

from __future__ import annotations

import pytest
from client_certificates import CLIENTS
from ingress_drafts import NONSENSE, Drafted, drafted

from isthmus.dialects.ingress.nginx import client_certificates
from isthmus.dialects.ingress.tls_asks import ClientAsk
from isthmus.edge import pki
from isthmus.ir.guard import ClientCertificates
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import Base, Meta, Secret

CA = CLIENTS.cert_pem.decode()
REVOKED = pki.revocation_list(CLIENTS, [pki.client(CLIENTS, "gone")]).decode()
LEAF = pki.client(CLIENTS, "client").cert_pem.decode()


def secret(name: str = "clients", namespace: str = "shop", **data: str) -> Secret:
    return Secret(metadata=Meta(name, namespace), string_data={key.replace("_", "."): v for key, v in data.items()})


def ask(annotations: dict[str, str], *objects: Base) -> Drafted:
    keys = {f"auth-tls-{key}": value for key, value in annotations.items()}
    return drafted(client_certificates.FEATURE, keys, objects=objects or (secret(ca_crt=CA),))


def clients(found: Drafted) -> ClientAsk:
    asked = found.draft.host_tls.clients
    assert asked is not None
    return asked


def test_defaults() -> None:
    found = ask({"secret": "clients"})
    asked = clients(found)
    assert (found.codes, found.draft.closed) == ([], False)
    assert (asked.mode, asked.depth, asked.subject) == (ClientCertificates.REQUIRED, 1, "")
    assert (asked.error_page, asked.pass_certificate, asked.revoked) == ((), False, b"")
    assert asked.authorities.decode() == CA


@pytest.mark.parametrize("name", ["clients", "shop/clients", " shop/clients "])
def test_names_of_the_secret(name: str) -> None:
    assert clients(ask({"secret": name})).authorities


@pytest.mark.parametrize(
    ("value", "mode"),
    [
        ("on", ClientCertificates.REQUIRED),
        ("optional", ClientCertificates.OPTIONAL),
        ("optional_no_ca", ClientCertificates.UNJUDGED),
        ("off", None),
    ],
)
def test_modes(value: str, mode: ClientCertificates | None) -> None:
    found = ask({"secret": "clients", "verify-client": value})
    assert (clients(found).mode, found.codes, found.draft.closed) == (mode, [], False)


@pytest.mark.parametrize(("value", "depth"), [("1", 1), ("3", 3), ("0", 1)])
def test_depths(value: str, depth: int) -> None:
    assert clients(ask({"secret": "clients", "verify-depth": value})).depth == depth


def test_revocations() -> None:
    asked = clients(ask({"secret": "clients"}, secret(ca_crt=CA, ca_crl=REVOKED)))
    assert asked.revoked.startswith(b"-----BEGIN X509 CRL-----")


def test_everything_beside_the_authorities_is_left_out() -> None:
    asked = clients(ask({"secret": "clients"}, secret(ca_crt=f"a comment\n{CA}{CA}")))
    assert asked.authorities.decode() == CA


@pytest.mark.parametrize(
    ("objects", "code"),
    [
        ((secret("another", ca_crt=CA),), "ISTH0125"),
        ((secret("clients", "elsewhere", ca_crt=CA),), "ISTH0125"),
        ((secret(),), "ISTH0126"),
        ((secret(tls_crt=CA),), "ISTH0126"),
        ((secret(ca_crt=""),), "ISTH0126"),
        ((secret(ca_crt="nonsense"),), "ISTH0126"),
        ((secret(ca_crt=CA[:-60]),), "ISTH0126"),
        ((secret(ca_crt=LEAF),), "ISTH0126"),
        ((secret(ca_crt=CA, ca_crl="nonsense"),), "ISTH0126"),
        ((secret(ca_crt=CA, ca_crl=CA),), "ISTH0126"),
        ((Secret(metadata=Meta("clients", "shop"), data={"ca.crt": "%%%"}),), "ISTH0126"),
    ],
)
@pytest.mark.parametrize("mode", ["on", "off", "optional", "optional_no_ca"])
def test_without_authorities_nobody_gets_in(objects: tuple[Base, ...], code: str, mode: str) -> None:
    found = ask({"secret": "clients", "verify-client": mode}, *objects)
    assert (found.draft.closed, clients(found).authorities, found.codes) == (True, b"", [code])
    assert CA[100:130] not in found.messages


@pytest.mark.parametrize("name", ["elsewhere/clients", *NONSENSE])
def test_bad_names_of_the_secret_close(name: str) -> None:
    found = ask({"secret": name})
    assert (found.draft.closed, clients(found).authorities) == (True, b"")
    assert found.codes[0] in ("ISTH0123", "ISTH0124", "ISTH0125")


@pytest.mark.parametrize("key", ["verify-client", "verify-depth", "match-cn"])
@pytest.mark.parametrize("value", NONSENSE)
def test_what_restricts_and_cannot_be_read_closes(key: str, value: str) -> None:
    found = ask({"secret": "clients", key: value})
    assert (found.draft.closed, clients(found).authorities, found.codes) == (True, b"", ["ISTH0124"])


@pytest.mark.parametrize("value", ["CN=client", "CN=(a|b)-[0-9]+", "^CN=client,O=Example$"])
def test_subjects(value: str) -> None:
    found = ask({"secret": "clients", "match-cn": value})
    assert (clients(found).subject, found.draft.closed) == (value, False)


@pytest.mark.parametrize("value", ["client", "CN=(?=x)", "CN=(", r"CN=(a)\1", "CN=" + "a" * 2_000, "CN=a\nb", "CN=ü"])
def test_subjects_that_cannot_be_had_close(value: str) -> None:
    assert ask({"secret": "clients", "match-cn": value}).draft.closed


def test_a_subject_without_certificates_closes() -> None:
    found = ask({"secret": "clients", "verify-client": "off", "match-cn": "CN=client"})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0123"])


def test_the_error_page_may_have_variables() -> None:
    page = clients(ask({"secret": "clients", "error-page": "https://help.test/$host"})).error_page
    assert page == ("https://help.test/", Variable(Of.HOST))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("/error", "ISTH0122"),
        ("@named", "ISTH0122"),
        ("", "ISTH0114"),
        ("https://a.test/\r\nset-cookie: x", "ISTH0114"),
        ("https://a.test/$nothing", "ISTH0114"),
        ("https://a.test/{x}", "ISTH0114"),
        ("https://ü.test", "ISTH0114"),
        ("https://a.test/a b", "ISTH0114"),
    ],
)
def test_error_pages_that_are_none_let_nobody_in(value: str, code: str) -> None:
    found = ask({"secret": "clients", "error-page": value})
    assert (clients(found).error_page, found.codes, found.draft.closed) == ((), [code], False)
    assert clients(found).mode is ClientCertificates.REQUIRED


@pytest.mark.parametrize(
    ("annotations", "closed", "codes"),
    [
        ({"verify-client": "on"}, True, ["ISTH0123"]),
        ({"verify-client": "nonsense"}, True, ["ISTH0123"]),
        ({"match-cn": "CN=client"}, True, ["ISTH0123"]),
        ({"verify-client": "off"}, False, []),
        ({"verify-depth": "2", "error-page": "https://a.test"}, False, ["ISTH0121"]),
        ({"pass-certificate-to-upstream": "true"}, False, ["ISTH0121"]),
        ({}, False, []),
    ],
)
def test_without_a_secret(annotations: dict[str, str], closed: bool, codes: list[str]) -> None:
    found = ask(annotations)
    assert (found.draft.closed, found.draft.host_tls.clients, found.codes) == (closed, None, codes)


@pytest.mark.parametrize("value", NONSENSE)
def test_passing_certificates_on_falls_back(value: str) -> None:
    found = ask({"secret": "clients", "pass-certificate-to-upstream": value})
    assert (clients(found).pass_certificate, found.draft.closed, found.codes) == (False, False, ["ISTH0114"])
