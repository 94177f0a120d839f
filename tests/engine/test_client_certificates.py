"""Certificates of clients, in a real Envoy: who is let in, what the backend is told, and what other hosts notice."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_certificates import (
    CLIENTS,
    SERVERS,
    STRANGERS,
    ask,
    authorities_secret,
    handshake,
    ingress,
    over,
    service,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from gateways import Answer, Gateway, http_echoes, save

from isthmus.edge import pki

GOOD = pki.client(CLIENTS, "client")
OTHER = pki.client(CLIENTS, "other")
REVOKED = pki.client(CLIENTS, "revoked")
STRANGER = pki.client(STRANGERS, "client")
EXPIRED = pki.client(CLIENTS, "client", days=-1)
BELOW = pki.authority("Below", CLIENTS)
DEEP = pki.client(BELOW, "deep")
DEEPER = pki.client(pki.authority("Further below", BELOW), "deeper")

_MUTUAL = {"auth-tls-secret": "default/clients"}
HOSTS = {
    "plain.test": {},
    "on.test": _MUTUAL | {"auth-tls-pass-certificate-to-upstream": "true"},
    "off.test": _MUTUAL | {"auth-tls-verify-client": "off"},
    "optional.test": _MUTUAL | {"auth-tls-verify-client": "optional", "ssl-redirect": "false"},
    "unjudged.test": _MUTUAL | {"auth-tls-verify-client": "optional_no_ca"},
    "page.test": _MUTUAL | {"auth-tls-error-page": "https://help.test/why?from=$request_uri"},
    "named.test": _MUTUAL | {"auth-tls-match-cn": "CN=client"},
    "deep.test": _MUTUAL | {"auth-tls-verify-depth": "2"},
    "revoked.test": {"auth-tls-secret": "clients-and-revoked"},
    "others.test": {"auth-tls-secret": "strangers"},
    "broken.test": {"auth-tls-secret": "pair"},
    "lost.test": {"auth-tls-secret": "nobody"},
    "print.test": _MUTUAL | {"configuration-snippet": "proxy_set_header X-Print $ssl_client_fingerprint;"},
    "*.wild.test": _MUTUAL,
    "plain.wild.test": {},
    "clear.test": _MUTUAL | {"ssl-redirect": "false"},
}


def _folder(folder: Path) -> None:
    pair = pki.leaf(SERVERS, [*HOSTS, "late.test"])
    objects = [service(), pki.secret_manifest("default", "pair", pair)]
    objects += [ingress(f"i{number}", host, asked) for number, (host, asked) in enumerate(HOSTS.items())]
    (folder / "web.yaml").write_text("---\n".join(objects))
    (folder / "clients.yaml").write_text(authorities_secret("clients", ca_crt=CLIENTS.cert_pem))
    more = [
        authorities_secret("strangers", ca_crt=STRANGERS.cert_pem),
        authorities_secret(
            "clients-and-revoked", ca_crt=CLIENTS.cert_pem, ca_crl=pki.revocation_list(CLIENTS, [REVOKED])
        ),
    ]
    (folder / "more.yaml").write_text("---\n".join(more))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    folder = tmp_path_factory.mktemp("manifests")
    _folder(folder)
    with http_echoes("web") as addresses, Gateway([folder], {"default/web": list(addresses.values())}) as gateway:
        yield gateway, folder


@pytest.fixture
def gateway(served: tuple[Gateway, Path]) -> Gateway:
    return served[0]


def seen(answer: Answer) -> dict[str, str]:
    """What the backend was told about the client's certificate."""
    headers = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    return {name: value for name, value in headers.items() if name.startswith("ssl-client-")}


@pytest.mark.parametrize(
    ("host", "shown", "status"),
    [
        ("plain.test", None, 200),
        ("plain.test", GOOD, 200),
        ("on.test", GOOD, 200),
        ("on.test", None, 400),
        ("on.test", STRANGER, 400),
        ("on.test", EXPIRED, 400),
        ("on.test", DEEP, 200),
        ("on.test", DEEPER, 400),
        ("deep.test", DEEPER, 200),
        ("off.test", None, 200),
        ("off.test", STRANGER, 200),
        ("optional.test", None, 200),
        ("optional.test", GOOD, 200),
        ("optional.test", STRANGER, 400),
        ("unjudged.test", None, 200),
        ("unjudged.test", STRANGER, 200),
        ("page.test", GOOD, 200),
        ("named.test", GOOD, 200),
        ("named.test", OTHER, 403),
        ("named.test", None, 400),
        ("revoked.test", GOOD, 200),
        ("revoked.test", REVOKED, 400),
        ("others.test", STRANGER, 200),
        ("others.test", GOOD, 400),
        ("broken.test", GOOD, 503),
        ("lost.test", GOOD, 503),
        ("a.wild.test", GOOD, 200),
        ("a.wild.test", None, 400),
        ("plain.wild.test", None, 200),
    ],
)
def test_who_is_let_in(gateway: Gateway, host: str, shown: pki.Pair | None, status: int) -> None:
    answer = ask(gateway.https_port, host, shown)
    assert (answer.status, answer.replica) == (status, "web" if status == 200 else "")


@pytest.mark.parametrize("shown", [None, STRANGER])
def test_the_error_page(gateway: Gateway, shown: pki.Pair | None) -> None:
    answer = ask(gateway.https_port, "page.test", shown, "/x")
    assert (answer.status, answer.headers["location"]) == (302, "https://help.test/why?from=/x")


@pytest.mark.parametrize("host", ["on.test", "page.test"])
@pytest.mark.parametrize("path", ["/a.b/C", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
def test_grpc_clients_are_told_in_grpc(gateway: Gateway, host: str, path: str) -> None:
    answer = ask(gateway.https_port, host, None, path, headers={"content-type": "application/grpc"})
    assert (answer.status, answer.headers["grpc-status"]) == (200, "13")
    assert "no client certificate was shown" in answer.headers["grpc-message"]


SPOOFED = {
    "ssl-client-verify": "SUCCESS",
    "ssl-client-subject-dn": "CN=admin",
    "ssl-client-issuer-dn": "CN=admin",
    "ssl-client-cert": "admin",
}


@pytest.mark.parametrize(
    ("host", "shown", "told"),
    [
        ("on.test", GOOD, {"verify": "SUCCESS", "subject-dn": "CN=client", "issuer-dn": "CN=Clients"}),
        ("off.test", None, {"verify": "NONE"}),
        ("optional.test", None, {"verify": "NONE"}),
        ("optional.test", OTHER, {"verify": "SUCCESS", "subject-dn": "CN=other", "issuer-dn": "CN=Clients"}),
        ("unjudged.test", None, {"verify": "NONE"}),
        (
            "unjudged.test",
            STRANGER,
            {"verify": "FAILED:untrusted", "subject-dn": "CN=client", "issuer-dn": "CN=Strangers"},
        ),
    ],
)
def test_what_the_backend_is_told(gateway: Gateway, host: str, shown: pki.Pair | None, told: dict[str, str]) -> None:
    found = seen(ask(gateway.https_port, host, shown, headers=SPOOFED))
    passed = found.pop("ssl-client-cert", "")
    assert found == {f"ssl-client-{name}": value for name, value in told.items()}
    assert passed.startswith("-----BEGIN%20CERTIFICATE") == (host == "on.test")


def test_fingerprints(gateway: Gateway) -> None:
    answer = ask(gateway.https_port, "print.test", GOOD, headers={"x-print": "forged"})
    told = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    assert told["x-print"] == x509.load_pem_x509_certificate(GOOD.cert_pem).fingerprint(hashes.SHA1()).hex()


def test_a_host_that_does_not_ask_is_left_alone(gateway: Gateway) -> None:
    assert seen(ask(gateway.https_port, "plain.test", GOOD)) == {}


@pytest.mark.parametrize("shown", [None, GOOD, STRANGER])
@pytest.mark.parametrize("sni", ["plain.test", "others.test", "off.test", "a.wild.test"])
def test_a_connection_for_another_host_counts_for_nothing(gateway: Gateway, sni: str, shown: pki.Pair | None) -> None:
    assert ask(gateway.https_port, "on.test", shown, sni=sni).status == 421


def test_such_a_connection_still_serves_others(gateway: Gateway) -> None:
    with handshake(gateway.https_port, "others.test", STRANGER) as connection:
        answers = [over(connection, host).status for host in ("on.test", "others.test", "plain.test")]
    assert answers == [421, 200, 200]


@pytest.mark.parametrize("path", ["/", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
def test_in_clear_nothing_is_reached(gateway: Gateway, path: str) -> None:
    answer = gateway.get("clear.test", path)
    assert (answer.status, answer.headers["location"]) == (308, f"https://clear.test:{gateway.https_port}{path}")


def test_in_clear_nothing_is_told(gateway: Gateway) -> None:
    answer = gateway.get("optional.test", headers=SPOOFED)
    assert (answer.status, seen(answer)) == (200, {})


def test_findings(gateway: Gateway) -> None:
    assert {"ISTH0125", "ISTH0126"} <= set(gateway.diagnostics())


def test_new_authorities_count_at_once_and_nobody_is_dropped(served: tuple[Gateway, Path]) -> None:
    gateway, folder = served
    renewed = pki.authority("Clients")
    try:
        with (
            handshake(gateway.https_port, "on.test", GOOD) as old,
            handshake(gateway.https_port, "plain.test") as other,
        ):
            assert (over(old, "on.test").status, over(other, "plain.test").status) == (200, 200)
            save(folder / "clients.yaml", authorities_secret("clients", ca_crt=renewed.cert_pem))
            gateway.wait("applied")
            assert ask(gateway.https_port, "on.test", GOOD).status == 400
            assert ask(gateway.https_port, "on.test", pki.client(renewed, "new")).status == 200
            answers = [over(old, "on.test"), over(other, "plain.test")]
            assert [(each.status, each.headers["connection"]) for each in answers] == [(200, None), (200, None)]
    finally:
        save(folder / "clients.yaml", authorities_secret("clients", ca_crt=CLIENTS.cert_pem))
        gateway.wait("applied")
    assert ask(gateway.https_port, "on.test", GOOD).status == 200


def test_a_secret_that_breaks_closes_the_host_until_it_works(served: tuple[Gateway, Path]) -> None:
    gateway, folder = served
    save(folder / "clients.yaml", authorities_secret("clients", ca_crt=b"no certificate"))
    gateway.wait("applied")
    assert ask(gateway.https_port, "on.test", GOOD).status == 503
    assert gateway.get("on.test").status == 503
    assert ask(gateway.https_port, "plain.test").status == 200
    save(folder / "clients.yaml", authorities_secret("clients", ca_crt=CLIENTS.cert_pem))
    gateway.wait("applied")
    assert ask(gateway.https_port, "on.test", GOOD).status == 200
    assert ask(gateway.https_port, "on.test").status == 400


def test_an_open_answer_of_another_host_survives_new_hosts(served: tuple[Gateway, Path]) -> None:
    gateway, folder = served
    with handshake(gateway.https_port, "plain.test") as connection:
        client = http.client.HTTPConnection("127.0.0.1", timeout=30)
        client.sock = connection
        client.putrequest("POST", "/", skip_host=True)
        client.putheader("Host", "plain.test")
        client.putheader("Content-Length", "4")
        client.endheaders(b"ab")
        save(folder / "late.yaml", ingress("late", "late.test", _MUTUAL))
        gateway.wait("applied")
        assert ask(gateway.https_port, "late.test").status == 400
        assert ask(gateway.https_port, "late.test", GOOD).status == 200
        (folder / "late.yaml").unlink()
        gateway.wait("applied")
        client.send(b"cd")
        answer = client.getresponse()
        assert (answer.status, answer.headers["connection"]) == (200, None)
        answer.read()
        assert over(connection, "plain.test").status == 200
