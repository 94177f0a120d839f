"""NGINX Inc's annotations through the real gateway: paths, redirects, headers, limits, access, masters and minions."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import pytest
from gateways import Answer, Gateway, ask, ask_with_body, http_echoes

from isthmus.edge import pki

AUTHORITY = pki.authority("Test CA")
KEY = b"0123456789abcdef0123456789abcdef"
JWKS = {
    "keys": [{"kty": "oct", "kid": "one", "k": base64.urlsafe_b64encode(KEY).rstrip(b"=").decode(), "alg": "HS256"}]
}
PASSWORD = "$apr1$6TdSn8QV$YbAF1HGHOvPrvQQ9ypyRJ."
CLASS = """apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: nginx.org/ingress-controller}
"""
# host -> annotations of its one Ingress, whose path is / where no other is given here
HOSTS: Mapping[str, Mapping[str, str]] = {
    "rewrites.test": {"rewrites": "serviceName=web rewrite=/inner/"},
    "target.test": {"path-regex": "case_insensitive", "rewrite-target": "/$1/of/$2"},
    "regex.test": {"path-regex": "case_sensitive"},
    "root.test": {"app-root": "/app"},
    "behind.test": {"redirect-to-https": "true", "http-redirect-code": "307"},
    "headers.test": {
        "proxy-hide-headers": "X-Served-By",
        "proxy-set-headers": "X-Set: by ${resource_name}, X-Gone:",
        "add-header": "X-Always: yes:always, X-Good: yes",
    },
    "errors.test": {"custom-http-errors": "404,5xx"},
    "limits.test": {"limit-req-rate": "1r/m", "limit-req-burst": "1"},
    "small.test": {"client-max-body-size": "10"},
    "basic.test": {"basic-auth-secret": "users", "basic-auth-realm": "Cafe"},
    "missing.test": {"basic-auth-secret": "nobody"},
    "jwt.test": {"COM/jwt-key": "keys", "COM/jwt-realm": "Cafe"},
    "login.test": {"COM/jwt-key": "keys", "COM/jwt-token": "$cookie_t", "COM/jwt-login-url": "https://login.test/in"},
    "allow.test": {"policies": "ten"},
    "local.test": {"policies": "local"},
    "keys.test": {"policies": "clients"},
    "nothing.test": {"policies": "nothing"},
    "waf.test": {"policies": "waf"},
    "snippets.test": {"location-snippets": "add_header X-Snippet yes always;"},
    "lua.test": {"server-snippets": "content_by_lua_block { }"},
    "sticky.test": {"sticky-cookie-services": "serviceName=many srv_id path=/"},
    "plain.test": {},
}
PATHS = {
    "rewrites.test": ("/outer/", "Prefix"),
    "target.test": ("/(tea|coffee)/([0-9]+)", "ImplementationSpecific"),
    "regex.test": ("/v[0-9]+/x", "Prefix"),
}
SERVICES = {"sticky.test": "many", "plain.test": "flaky"}
POLICIES = {
    "ten": "{accessControl: {allow: [10.0.0.0/8]}}",
    "local": "{accessControl: {allow: [127.0.0.0/8]}}",
    "clients": "{apiKey: {clientSecret: clients, suppliedIn: {header: [X-Key], query: [key]}}}",
    "waf": "{waf: {enable: true}}",
}


def annotation(name: str) -> str:
    return "nginx.com/" + name.removeprefix("COM/") if name.startswith("COM/") else "nginx.org/" + name


def ingress(name: str, host: str, annotations: Mapping[str, str], spec: Mapping[str, object] = {}) -> dict[str, Any]:
    """An Ingress of a host with one path; `spec` adds to it."""
    path, kind = PATHS.get(host, ("/", "Prefix"))
    backend = {"service": {"name": SERVICES.get(host, "web"), "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}
    metadata = {"name": name, "annotations": {annotation(key): value for key, value in annotations.items()}}
    spec = {"ingressClassName": "nginx", "rules": [rule], **spec}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def secret(name: str, kind: str, **values: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": values}


def objects() -> Iterator[dict[str, Any]]:
    for name in ("web", "pages", "many", "flaky"):
        spec = {"ports": [{"port": 80}]}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
    yield secret("users", "nginx.org/htpasswd", htpasswd=f"ann:{PASSWORD}\n")
    yield secret("keys", "nginx.org/jwk", jwk=json.dumps(JWKS))
    yield secret("clients", "nginx.org/apikey", one="first", two="second")
    pages = {"defaultBackend": {"service": {"name": "pages", "port": {"number": 80}}}}
    for host, asked in HOSTS.items():
        yield ingress(host.partition(".")[0], host, asked, pages if host == "errors.test" else {})
    tls = {"tls": [{"hosts": ["tls.test"], "secretName": "pair"}]}
    yield ingress("tls", "tls.test", {"hsts": "true", "hsts-max-age": "60"}, tls)
    yield from mergeable()


def mergeable() -> Iterator[dict[str, Any]]:
    """A master that asks for passwords; one minion asks for others, one is without a master."""
    master = {"mergeable-ingress-type": "master", "basic-auth-secret": "users", "proxy-hide-headers": "X-Served-By"}
    yield ingress("master", "merged.test", master, {"rules": [{"host": "merged.test"}]})
    for name, host in (("tea", "merged.test"), ("orphan", "orphan.test")):
        minion = ingress(name, host, {"mergeable-ingress-type": "minion", "add-header": f"X-Minion: {name}"})
        minion["spec"]["rules"][0]["http"]["paths"][0]["path"] = f"/{name}"
        yield minion


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("nginx-org")
    manifests = [json.dumps(each) for each in objects()]
    manifests += [CLASS, pki.secret_manifest("default", "pair", pki.leaf(AUTHORITY, ["tls.test"]))]
    manifests += [
        f"apiVersion: k8s.nginx.org/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        for name, spec in POLICIES.items()
    ]
    (folder / "all.yaml").write_text("\n---\n".join(manifests))
    with http_echoes("web", "pages", "one", "two", "three") as echoes:
        endpoints = {
            "default/web": [echoes["web"]],
            "default/pages": [echoes["pages"]],
            "default/many": [echoes["one"], echoes["two"], echoes["three"]],
            "default/flaky": ["127.0.0.1:1", echoes["one"]],
        }
        with Gateway([folder], endpoints) as running:
            yield running


def get(gateway: Gateway, host: str, path: str = "/", **headers: str) -> Answer:
    return gateway.get(host, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def path_seen(answer: Answer) -> str:
    return str(json.loads(answer.body)["path"])


def test_rewrites(gateway: Gateway) -> None:
    assert path_seen(get(gateway, "rewrites.test", "/outer/x?a=b")) == "/inner/x"
    assert path_seen(get(gateway, "rewrites.test", "/outer")) == "/inner/"
    assert path_seen(get(gateway, "target.test", "/Tea/42/rest")) == "/Tea/of/42"
    assert get(gateway, "target.test", "/milk/42").status == 404


def test_regular_expressions(gateway: Gateway) -> None:
    statuses = [get(gateway, "regex.test", path).status for path in ("/v1/x", "/v22/xy", "/V1/x", "/vv/x", "/a/v1/x")]
    assert statuses == [200, 200, 404, 404, 404]


def test_redirects(gateway: Gateway) -> None:
    answer = get(gateway, "root.test", "/")
    assert (answer.status, answer.headers["location"]) == (302, f"http://root.test:{gateway.http_port}/app")
    assert get(gateway, "root.test", "/app").status == 200
    answer = get(gateway, "tls.test", "/a?b")
    assert (answer.status, answer.headers["location"]) == (301, f"https://tls.test:{gateway.https_port}/a?b")
    answer = get(gateway, "behind.test", "/a")
    assert (answer.status, answer.headers["location"].startswith("https://behind.test")) == (307, True)


def test_hsts_comes_over_tls_only(gateway: Gateway) -> None:
    answer = ask(gateway.https_port, "tls.test", tls=True, ca=AUTHORITY.cert_pem)
    assert answer.headers["strict-transport-security"] == "max-age=60; preload"
    assert "strict-transport-security" not in get(gateway, "tls.test").headers


def test_headers(gateway: Gateway) -> None:
    answer = get(gateway, "headers.test", "/", x_gone="mine")
    sent = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    assert (sent["x-set"], "x-gone" in sent) == ("by headers", False)
    assert (answer.headers["x-always"], answer.headers["x-good"]) == ("yes", "yes")
    assert "x-served-by" not in answer.headers
    failed = get(gateway, "headers.test", "/?status=500")
    assert (failed.headers["x-always"], failed.headers["x-good"]) == ("yes", None)


def test_error_pages_keep_the_status(gateway: Gateway) -> None:
    answers = [get(gateway, "errors.test", f"/?status={status}") for status in (200, 404, 502)]
    found = [(answer.status, answer.replica) for answer in answers]
    assert found == [(200, "web"), (404, "pages"), (502, "pages")]


def test_limits(gateway: Gateway) -> None:
    assert [get(gateway, "limits.test").status for _ in range(4)] == [200, 200, 429, 429]
    bodies = [ask_with_body(gateway.http_port, "small.test", "/", b"x" * size, {}).status for size in (10, 11)]
    assert bodies == [200, 413]


def test_passwords(gateway: Gateway) -> None:
    answer = get(gateway, "basic.test")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="Cafe"')
    wrong = base64.b64encode(b"ann:wrong").decode()
    assert get(gateway, "basic.test", authorization=f"Basic {wrong}").status == 401
    assert get(gateway, "missing.test").status == 503


def token(**claims: object) -> str:
    return jwt.encode(claims, KEY, "HS256", {"kid": "one"})


def test_tokens(gateway: Gateway) -> None:
    now = int(time.time())
    statuses = [
        get(gateway, "jwt.test", authorization=f"Bearer {each}").status
        for each in (
            token(sub="ann", exp=now + 600),
            token(sub="ann", exp=now - 600),
            token(sub="ann", nbf=now + 600),
            jwt.encode({"sub": "ann"}, b"another" * 10, "HS256"),
            jwt.encode({"sub": "ann"}, "", "none"),
            "x",
        )
    ]
    assert statuses == [200, 401, 401, 401, 401, 401]
    assert get(gateway, "jwt.test").status == 401


def test_where_to_log_in(gateway: Gateway) -> None:
    answer = get(gateway, "login.test")
    assert (answer.status, answer.headers["location"]) == (302, "https://login.test/in")
    assert get(gateway, "login.test", cookie=f"a=b; t={token(sub='ann')}").status == 200


def test_policies(gateway: Gateway) -> None:
    hosts = ("allow.test", "local.test", "nothing.test", "waf.test")
    assert [get(gateway, host).status for host in hosts] == [403, 200, 503, 503]


def test_api_keys(gateway: Gateway) -> None:
    shown = [get(gateway, "keys.test"), get(gateway, "keys.test", x_key="first"), get(gateway, "keys.test", x_key="x")]
    shown += [get(gateway, "keys.test", "/?key=second")]
    assert [answer.status for answer in shown] == [401, 200, 403, 200]


def test_snippets(gateway: Gateway) -> None:
    assert get(gateway, "snippets.test").headers["x-snippet"] == "yes"
    assert get(gateway, "lua.test").status == 503


def test_sticky_cookies(gateway: Gateway) -> None:
    first = get(gateway, "sticky.test")
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("srv_id=")
    assert {get(gateway, "sticky.test", cookie=cookie).replica for _ in range(10)} == {first.replica}


def test_a_dead_endpoint_is_not_noticed(gateway: Gateway) -> None:
    assert {get(gateway, "plain.test").status for _ in range(10)} == {200}


def test_masters_and_minions(gateway: Gateway) -> None:
    assert get(gateway, "merged.test", "/tea").status == 401
    assert get(gateway, "merged.test", "/").status == 404
    assert get(gateway, "orphan.test", "/orphan").status == 404
    assert "ISTH0182" in gateway.diagnostics()
