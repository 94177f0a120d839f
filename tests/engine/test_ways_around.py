"""Ways past what guards a path, each tried on hosts of every kind: none reaches the guarded backend."""

from __future__ import annotations

import base64
import itertools
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateways import SECONDS, Gateway, http_echoes

NGINX, ORG = "nginx.ingress.kubernetes.io/", "nginx.org/"
USERS = base64.b64encode(b"ann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n").decode()  # the password is: test
PASSWORD = {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "users"}
NOBODY = {f"{NGINX}allowlist-source-range": "192.0.2.1"}
SECRETS = f"""
apiVersion: v1
kind: Secret
metadata: {{name: users}}
data: {{auth: {USERS}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: org-users}}
type: nginx.org/htpasswd
data: {{htpasswd: {USERS}}}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: org}}
spec: {{controller: nginx.org/ingress-controller}}
"""
SERVICE = "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\nspec: {{ports: [{{port: 80}}]}}\n"
# host of the rule, host that is asked, path, pathType, annotations of the guarded path
GUARDED = (
    ("password.test", "password.test", "/admin", "Prefix", PASSWORD),
    ("nobody.test", "nobody.test", "/admin", "ImplementationSpecific", NOBODY),
    ("either.test", "either.test", "/admin", "Prefix", {**PASSWORD, **NOBODY, f"{NGINX}satisfy": "any"}),
    ("*.wild.test", "x.wild.test", "/admin", "Prefix", PASSWORD),
    ("named.test", "alias.test", "/admin", "Prefix", {**PASSWORD, f"{NGINX}server-alias": "alias.test"}),
    ("regex.test", "regex.test", "/ad.in", "ImplementationSpecific", {**PASSWORD, f"{NGINX}use-regex": "true"}),
    ("org.test", "org.test", "/admin", "Prefix", {f"{ORG}basic-auth-secret": "org-users"}),
    ("", "other.test", "/admin", "Prefix", PASSWORD),
)
PLAIN = "GET /admin HTTP/1.1\r\nHost: {host}\r\n"
TARGETS = (
    *("//admin", "/./admin", "/x/../admin", "/x/%2e%2e/admin", "/%2fadmin", "/%61dmin", "/x/..%2fadmin", "\\admin"),
    *("/admin?x", "/admin%3fx", "/admin/", "/admin/.", "/admin#x", "/;/../admin", "/x;/..;/admin", "/%2561dmin"),
    *(
        "http://{host}/admin",
        "HTTP://{host}:80/admin",
        "http://other.example/admin",
        "admin",
        "*",
        "/ADMIN",
        "/admin%0a",
    ),
)
HOSTS = ("{host}:80", "{host}.", "{host}.:443", "{HOST}", "isthmus.invalid:{host}", "*:{host}", "u@{host}", "{host}:x")
METHODS = ("get", "HEAD", "OPTIONS", "POST", "FOO", "CONNECT", "TRACE")
HEADERS = (
    *("X-Original-URL: /", "X-Rewrite-URL: /", "X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.1"),
    *(
        "Forwarded: for=192.0.2.1",
        "X-Envoy-Internal: true",
        "X-Envoy-Original-Path: /",
        "X-HTTP-Method-Override: OPTIONS",
    ),
    *("Authorization: Basic YW5uOg==", "Authorization: Basic", "Authorization: Bearer test", "X-Isthmus-Policy: none"),
    *("Content-Type: application/grpc", "Content-Type: application/grpc-web", "Host: other.example"),
    *("Origin: https://a.test\r\nAccess-Control-Request-Method: GET", "X-Isthmus-Host: other.example"),
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: YQ==\r\nSec-WebSocket-Version: 13",
    "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
)


def requests() -> Iterator[str]:
    yield PLAIN
    yield "GET /admin HTTP/1.0\r\nHost: {host}\r\n"
    yield "GET /admin HTTP/1.0\r\n"
    yield from (PLAIN.replace("/admin", target) for target in TARGETS)
    yield from (PLAIN.replace("{host}", host) for host in HOSTS)
    yield from (PLAIN.replace("GET", method) for method in METHODS)
    yield from (f"{PLAIN}{header}\r\n" for header in HEADERS)
    yield from (PLAIN.replace("GET", "OPTIONS") + f"{header}\r\n" for header in HEADERS)


def ingress(name: str, host: str, path: str, kind: str, asked: dict[str, str]) -> str:
    service = "guarded" if name.startswith("guarded") else "open"
    said = ", ".join(f"{key}: '{value}'" for key, value in asked.items())
    of = "org" if host == "org.test" else "nginx"
    backend = f"{{service: {{name: {service}, port: {{number: 80}}}}}}"
    return (
        f"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, annotations: {{{said}}}}}\n"
        f"spec: {{ingressClassName: {of}, rules: [{{host: '{host}', "
        f"http: {{paths: [{{path: '{path}', pathType: {kind}, backend: {backend}}}]}}}}]}}\n"
    )


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file = tmp_path_factory.mktemp("ways") / "manifests.yaml"
    text = SECRETS + SERVICE.format("guarded") + SERVICE.format("open")
    for index, (host, _, path, kind, asked) in enumerate(GUARDED):
        text += ingress(f"guarded-{index}", host, path, kind, asked)
        text += ingress(f"open-{index}", host, "/", "Prefix", {})
    file.write_text(text)
    with http_echoes("guarded", "open") as echoes:
        endpoints = {f"default/{name}": [address] for name, address in echoes.items()}
        with Gateway([file], endpoints, "--class", "nginx", "--class", "org") as running:
            yield running


def answered(port: int, request: str) -> bytes:
    """The answer, with its body as far as its length is told."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(f"{request}Connection: close\r\n\r\n".encode())
        with connection.makefile("rb") as stream:
            head = b"".join(itertools.takewhile(lambda line: line != b"\r\n", stream))
            length = re.search(rb"(?i)\r\ncontent-length: ([0-9]+)", head)
            return head + (stream.read(int(length[1])) if length and not request.startswith("HEAD") else b"")


@pytest.mark.parametrize("case", GUARDED, ids=lambda case: case[1])
def test_no_way_leads_past_the_guard(gateway: Gateway, case: tuple[str, str, str, str, dict[str, str]]) -> None:
    host = case[1]
    asked = [each.replace("{host}", host).replace("{HOST}", host.upper()) for each in requests()]
    with ThreadPoolExecutor(8) as several:
        found = list(several.map(lambda request: answered(gateway.http_port, request), asked))
    assert [each for each, answer in zip(asked, found, strict=True) if b'"replica": "guarded"' in answer] == []
    assert b" 401 " in found[0] or b" 403 " in found[0]


def test_the_guarded_backend_can_be_reached(gateway: Gateway) -> None:
    told = {"authorization": f"Basic {base64.b64encode(b'ann:test').decode()}"}
    for _, host, _, _, asked in GUARDED:
        reached = gateway.get(host, "/admin", headers=told).replica
        assert reached == ("" if asked is NOBODY else "guarded")
    assert gateway.get("password.test", "/").replica == "open"
