"""externalAuth Policies through the real gateway: who is let in, where people sign in, whom the gateway believes."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from auth_server import AuthServer, auth_server
from gateways import Gateway, http_echoes

from isthmus.edge import pki

TRUSTED, OTHER = pki.authority("Trusted CA"), pki.authority("Other CA")
OBJECTS = """apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: nginx.org/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: asks, namespace: auth}
spec: {ports: [{port: 4180}]}
---
apiVersion: v1
kind: Service
metadata: {name: secure, namespace: auth}
spec: {ports: [{port: 443}]}
"""
POLICY = """---
apiVersion: k8s.nginx.org/v1
kind: Policy
metadata: {{name: {name}, namespace: auth}}
spec: {{externalAuth: {{{fields}}}}}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{nginx.org/policies: auth/{name}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {name}.test
      http:
        paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]
"""
_TLS = "authURI: /200, authServiceName: secure, sslEnabled: true"
POLICIES = {
    "token": "authURI: /token, authServiceName: asks, authSnippets: 'proxy_set_header X-Realm inner;'",
    "forbidden": "authURI: /403, authServiceName: asks",
    "signing": "authURI: /token, authServiceName: auth/asks, authSigninURI: /201/in, authSigninRedirectBasePath: /201",
    "unverified": _TLS,
    "verified": f"{_TLS}, sslVerify: true, trustedCertSecret: trusted, sniName: in.test",
    "distrusted": f"{_TLS}, sslVerify: true, trustedCertSecret: other, sniName: in.test",
    "misnamed": f"{_TLS}, sslVerify: true, trustedCertSecret: trusted",
}


class World(NamedTuple):
    """A gateway and the server that it asks in clear."""

    gateway: Gateway
    server: AuthServer


def _context(folder: Path) -> ssl.SSLContext:
    pair = pki.leaf(TRUSTED, ["in.test"])
    (folder / "chain.pem").write_bytes(pair.cert_pem)
    (folder / "key.pem").write_bytes(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


def _secret(name: str, pem: bytes) -> str:
    indented = pem.decode().replace("\n", "\n    ")
    head = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: auth}}\ntype: nginx.org/ca\n"
    return f"---\n{head}stringData:\n  ca.crt: |\n    {indented}\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("external-auth")
    text = OBJECTS + _secret("trusted", TRUSTED.cert_pem) + _secret("other", OTHER.cert_pem)
    for name, fields in POLICIES.items():
        text += POLICY.format(name=name, fields=fields) + INGRESS.format(name=name)
    file = folder / "all.yaml"
    file.write_text(text)
    with http_echoes("web") as echoes, auth_server() as server, auth_server(_context(folder)) as secure:
        endpoints = {
            "default/web": [echoes["web"]],
            "auth/asks": [server.address],
            "auth/secure": [secure.address],
        }
        with Gateway([file], endpoints) as running:
            yield World(running, server)


def test_the_service_decides(world: World) -> None:
    get = world.gateway.get
    assert get("token.test", "/").status == 401
    assert get("token.test", "/", headers={"cookie": "token=right"}).replica == "web"
    assert get("forbidden.test", "/", headers={"cookie": "token=right"}).status == 403


def test_what_the_service_is_told(world: World) -> None:
    world.gateway.get("token.test", "/tea?a=b", headers={"x-realm": "forged", "x-own": "kept"})
    method, target, headers = world.server.asked[-1]
    assert (method, target, headers["host"]) == ("GET", "/token", "token.test")
    assert (headers["x-realm"], headers["x-own"], headers["x-scheme"]) == ("inner", "kept", "http")


def test_people_sign_in_at_the_service(world: World) -> None:
    refused = world.gateway.get("signing.test", "/tea?a=b&c=d")
    assert (refused.status, refused.headers["location"]) == (302, "/201/in?rd=%2Ftea%3Fa%3Db%26c%3Dd")
    page = world.gateway.get("signing.test", refused.headers["location"])
    assert (page.status, page.body) == (201, b"body")
    assert world.server.asked[-1][:2] == ("GET", "/201/in?rd=%2Ftea%3Fa%3Db%26c%3Dd")
    assert world.gateway.get("signing.test", "/tea", headers={"cookie": "token=right"}).replica == "web"


def test_only_that_part_of_the_host_is_the_services(world: World) -> None:
    for path in ("/201x", "/201/../tea", "/%32%30%31/../tea", "/tea/201"):
        assert world.gateway.get("signing.test", path).status == 302, path
    assert world.gateway.get("token.test", "/oauth2/in").status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [("unverified.test", 200), ("verified.test", 200), ("distrusted.test", 500), ("misnamed.test", 500)],
)
def test_a_server_that_cannot_be_trusted_lets_nobody_in(world: World, host: str, status: int) -> None:
    assert world.gateway.get(host, "/").status == status
