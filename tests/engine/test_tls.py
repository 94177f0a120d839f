"""TLS: the certificate of the SNI, ALPN, rotation without a dropped connection, broken pairs, unknown names."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from gateways import Gateway, ask, http_echoes, save, trusting

from isthmus.edge import pki

AUTHORITY = pki.authority("Test CA")
MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  tls: [{hosts: [a.test, b.test], secretName: pair}]
  rules:
    - host: a.test
      http: &web {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}
    - {host: b.test, http: *web}
"""


def secret(days: float = 30, **fields: bytes) -> str:
    pair = pki.leaf(AUTHORITY, ["a.test", "b.test"], days=days)
    return pki.secret_manifest(
        "default", "pair", pki.Pair(fields.get("cert", pair.cert_pem), fields.get("key", pair.key_pem))
    )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Gateway, Path]]:
    (tmp_path / "web.yaml").write_text(MANIFESTS)
    (tmp_path / "secret.yaml").write_text(secret())
    with http_echoes("web") as addresses, Gateway([tmp_path], {"default/web": list(addresses.values())}) as gateway:
        yield gateway, tmp_path / "secret.yaml"


def handshake(gateway: Gateway, name: str | None, alpn: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLSocket:
    context = trusting(AUTHORITY.cert_pem)
    context.check_hostname = name is not None
    context.set_alpn_protocols(list(alpn))
    return context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.https_port), 10), server_hostname=name)


def serial(gateway: Gateway, name: str = "a.test") -> int:
    with handshake(gateway, name) as connection:
        der = connection.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der).serial_number


def test_a_client_that_checks_everything_is_content(served: tuple[Gateway, Path]) -> None:
    gateway, _ = served
    answer = ask(gateway.https_port, "a.test", tls=True, ca=AUTHORITY.cert_pem)
    assert (answer.status, answer.replica) == (200, "web")


@pytest.mark.parametrize("offered", [("h2", "http/1.1"), ("http/1.1",)])
def test_alpn(served: tuple[Gateway, Path], offered: tuple[str, ...]) -> None:
    with handshake(served[0], "a.test", offered) as connection:
        assert connection.selected_alpn_protocol() == offered[0]


@pytest.mark.parametrize("name", ["nobody.test", "x.a.test", None])
def test_unknown_names_are_refused(served: tuple[Gateway, Path], name: str | None) -> None:
    with pytest.raises(ssl.SSLError, match="handshake"):
        handshake(served[0], name)


def test_a_name_that_was_refused_works_once_it_is_served(served: tuple[Gateway, Path]) -> None:
    gateway, file = served
    with pytest.raises(ssl.SSLError):
        handshake(gateway, "late.test")
    pair = pki.leaf(AUTHORITY, ["late.test"])
    manifest = MANIFESTS.replace("a.test", "late.test").replace("b.test", "later.test").replace("pair", "late")
    manifest = manifest.replace("name: web}\nspec:\n", "name: late}\nspec:\n").partition("---")[2]
    save(file.with_name("late.yaml"), manifest + "---\n" + pki.secret_manifest("default", "late", pair))
    gateway.wait("applied")
    handshake(gateway, "late.test").close()


def test_rotation_serves_new_handshakes_and_drops_nobody(served: tuple[Gateway, Path]) -> None:
    gateway, file = served
    before = serial(gateway)
    with handshake(gateway, "a.test") as connection:
        save(file, secret())
        gateway.wait("applied")
        assert serial(gateway) != before
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_a_broken_pair_keeps_the_last_good_one(served: tuple[Gateway, Path]) -> None:
    gateway, file = served
    before = serial(gateway)
    stranger = pki.leaf(AUTHORITY, ["a.test"]).key_pem
    save(file, secret(key=stranger))
    found = gateway.wait("diagnostic", code="ISTH0131")
    assert found["object"]["name"] == "pair"
    assert found["file"] == str(file)
    assert serial(gateway) == before
    save(file, secret())
    gateway.wait("resolved", code="ISTH0131")
    gateway.wait("applied")
    assert serial(gateway) != before


def test_a_certificate_that_expires_meanwhile_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(MANIFESTS)
    (tmp_path / "secret.yaml").write_text(secret(days=5 / 86_400))
    with Gateway([tmp_path], {"default/web": ["127.0.0.1:1"]}) as gateway:
        if "ISTH0135" not in gateway.diagnostics():
            gateway.wait("diagnostic", code="ISTH0135")
