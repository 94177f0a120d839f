"""A world in which every annotation can be tried, and a value of each that means something there.

`RESTRICTING` must have every annotation that restricts access: a rule of the tests. A sample may need others beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import trustme

from isthmus.dialects import DIALECTS
from isthmus.dialects.dialect import Claim, Claims, Translation
from isthmus.ir.host import Route
from isthmus.kube.objects import (
    Base,
    ConfigMap,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressClassSpec,
    IngressHttp,
    IngressPath,
    IngressRule,
    IngressSpec,
    IngressTls,
    Meta,
    Secret,
    Service,
    ServiceBackend,
    ServiceBackendPort,
    ServicePort,
    ServiceSpec,
    ref_of,
)
from isthmus.kube.refs import ObjectRef
from isthmus.kube.store import Lookup, Store

HOST = "a.test"
NGINX, NGINX_ORG, NGINX_COM = "nginx.ingress.kubernetes.io/", "nginx.org/", "nginx.com/"

# What nobody can read: nothing, wrong types, far too much, other scripts, line breaks, NUL, variables that are none.
NONSENSE = ("", " ", "-1", "nonsense;", "1e3", "٣", "x" * 70_000, "a\r\nb", "\x00", "$nothing", "{", "10.0.0.0/99")


class Sample(NamedTuple):
    """A value that means something, with what it needs beside it; `reads` is the object that it names. With `tls` the
    host needs a certificate."""

    value: str
    beside: Mapping[str, str] = {}
    reads: ObjectRef | None = None
    tls: bool = False


_BASIC = {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "users"}
_URL = {f"{NGINX}auth-url": "http://auth.shop.svc.cluster.local/check"}
_TLS = {f"{NGINX}backend-protocol": "HTTPS", f"{NGINX}proxy-ssl-secret": "shop/pair"}
_CLIENTS = {f"{NGINX}auth-tls-secret": "shop/pair"}
_RATE = {"nginx.org/limit-req-rate": "10r/s", "nginx.org/limit-req-key": "${binary_remote_addr}"}
_USERS, _PAIR = ObjectRef("Secret", "shop", "users"), ObjectRef("Secret", "shop", "pair")
_EXTRA, _KEYS = ObjectRef("ConfigMap", "shop", "extra"), ObjectRef("Secret", "shop", "keys")
_HTPASSWD = ObjectRef("Secret", "shop", "htpasswd")

RESTRICTING: Mapping[str, Sample] = {
    f"{NGINX}allowlist-source-range": Sample("10.0.0.0/8"),
    f"{NGINX}whitelist-source-range": Sample("10.0.0.0/8"),
    f"{NGINX}denylist-source-range": Sample("10.0.0.0/8"),
    f"{NGINX}auth-type": Sample("basic", {f"{NGINX}auth-secret": "users"}),
    f"{NGINX}auth-secret": Sample("users", {f"{NGINX}auth-type": "basic"}, _USERS),
    f"{NGINX}auth-secret-type": Sample("auth-file", _BASIC),
    f"{NGINX}auth-url": Sample(_URL[f"{NGINX}auth-url"]),
    f"{NGINX}auth-method": Sample("POST", _URL),
    f"{NGINX}auth-response-headers": Sample("X-User", _URL),
    f"{NGINX}auth-proxy-set-headers": Sample("shop/extra", _URL, _EXTRA),
    f"{NGINX}auth-cache-duration": Sample("200 202 10m", {**_URL, f"{NGINX}auth-cache-key": "$http_authorization"}),
    f"{NGINX}auth-snippet": Sample("proxy_set_header X-A b;", _URL),
    f"{NGINX}auth-tls-secret": Sample("shop/pair", {}, _PAIR, tls=True),
    f"{NGINX}auth-tls-verify-client": Sample("on", _CLIENTS, tls=True),
    f"{NGINX}auth-tls-verify-depth": Sample("2", _CLIENTS, tls=True),
    f"{NGINX}auth-tls-match-cn": Sample("CN=app.*", _CLIENTS, tls=True),
    f"{NGINX}auth-tls-error-page": Sample("https://a.test/no", _CLIENTS, tls=True),
    f"{NGINX}satisfy": Sample("any", {**_BASIC, f"{NGINX}allowlist-source-range": "10.0.0.0/8"}),
    f"{NGINX}limit-rps": Sample("10"),
    f"{NGINX}limit-rpm": Sample("10"),
    f"{NGINX}limit-connections": Sample("10"),
    f"{NGINX}limit-burst-multiplier": Sample("2", {f"{NGINX}limit-rps": "10"}),
    f"{NGINX}limit-allowlist": Sample("10.0.0.0/8", {f"{NGINX}limit-rps": "10"}),
    f"{NGINX}limit-whitelist": Sample("10.0.0.0/8", {f"{NGINX}limit-rps": "10"}),
    f"{NGINX}limit-rate": Sample("100"),
    f"{NGINX}limit-rate-after": Sample("10", {f"{NGINX}limit-rate": "100"}),
    f"{NGINX}custom-headers": Sample("extra", {}, _EXTRA),
    f"{NGINX}enable-modsecurity": Sample("true"),
    f"{NGINX}enable-owasp-core-rules": Sample("true"),
    f"{NGINX}modsecurity-transaction-id": Sample("$request_id"),
    f"{NGINX}modsecurity-snippet": Sample("SecRuleEngine On"),
    f"{NGINX}configuration-snippet": Sample("deny 10.0.0.0/8;"),
    f"{NGINX}server-snippet": Sample("add_header X-A b;"),
    f"{NGINX}stream-snippet": Sample("server { listen 8000; }"),
    f"{NGINX}proxy-ssl-secret": Sample("shop/pair", {f"{NGINX}backend-protocol": "HTTPS"}, _PAIR),
    f"{NGINX}proxy-ssl-verify": Sample("on", {**_TLS, f"{NGINX}proxy-ssl-name": "web.test"}),
    f"{NGINX}proxy-ssl-verify-depth": Sample("2", {**_TLS, f"{NGINX}proxy-ssl-verify": "on"}),
    f"{NGINX}proxy-ssl-name": Sample("web.test", {**_TLS, f"{NGINX}proxy-ssl-verify": "on"}),
    f"{NGINX}proxy-ssl-server-name": Sample("on", _TLS),
    f"{NGINX}proxy-ssl-ciphers": Sample("ECDHE-RSA-AES128-GCM-SHA256", _TLS),
    f"{NGINX}proxy-ssl-protocols": Sample("TLSv1.2 TLSv1.3", _TLS),
    f"{NGINX}ssl-passthrough": Sample("true"),
    f"{NGINX}ssl-ciphers": Sample("ECDHE-RSA-AES128-GCM-SHA256", tls=True),
    f"{NGINX}canary": Sample("true"),
    f"{NGINX_ORG}limit-req-rate": Sample("10r/s"),
    f"{NGINX_ORG}limit-req-key": Sample("${binary_remote_addr}", _RATE),
    f"{NGINX_ORG}basic-auth-secret": Sample("htpasswd", {}, _HTPASSWD),
    f"{NGINX_COM}jwt-key": Sample("keys", {}, _KEYS),
    f"{NGINX_COM}jwt-token": Sample("$http_token", {f"{NGINX_COM}jwt-key": "keys"}),
    f"{NGINX_ORG}ssl-ciphers": Sample("ECDHE-RSA-AES128-GCM-SHA256", tls=True),
    f"{NGINX_ORG}policies": Sample("nobody"),
    f"{NGINX_COM}policies": Sample("nobody"),
    f"{NGINX_ORG}server-snippets": Sample("add_header X-A b;"),
    f"{NGINX_ORG}location-snippets": Sample("deny 10.0.0.0/8;"),
    "appprotect.f5.com/app-protect-enable": Sample("true"),
    "appprotectdos.f5.com/app-protect-dos-resource": Sample("shop/dos"),
}
HELD = {sample.reads for sample in RESTRICTING.values() if sample.reads is not None}


def controller_of(key: str) -> str:
    """The class whose controller reads an annotation."""
    return "nginx" if key.startswith((NGINX, "isthmus.dev/")) else "nginx-org"


def ingress(
    name: str, path: str, annotations: Mapping[str, str], age: str = "2026-01-01", of: str = "nginx", tls: bool = False
) -> Ingress:
    """An Ingress of HOST in `shop`, whose path leads to the Service of the same name."""
    backend = IngressBackend(ServiceBackend(name, ServiceBackendPort(number=80)))
    rule = IngressRule(HOST, IngressHttp((IngressPath(backend, path, "Prefix"),)))
    meta = Meta(name, "shop", annotations=dict(annotations), creation_timestamp=f"{age}T00:00:00Z")
    certificates = (IngressTls((HOST,), "pair"),) if tls else ()
    return Ingress(metadata=meta, spec=IngressSpec(ingress_class_name=of, rules=(rule,), tls=certificates))


@functools.cache
def world() -> tuple[Base, ...]:
    """Classes of both controllers, Services, and everything that samples refer to."""
    authority = trustme.CA()
    pair = authority.issue_cert("web.test", HOST)
    chain = "".join(blob.bytes().decode() for blob in pair.cert_chain_pems)
    key = pair.private_key_pem.bytes().decode()
    secret = {"ca.crt": authority.cert_pem.bytes().decode(), "tls.crt": chain, "tls.key": key}
    web = ServiceSpec(ports=(ServicePort(80),))
    users = "ann:$apr1$6TdSn8QV$YbAF1HGHOvPrvQQ9ypyRJ.\n"
    jwk = '{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0","kid":"1","alg":"HS256"}]}'
    controllers = {"nginx": "k8s.io/ingress-nginx", "nginx-org": "nginx.org/ingress-controller"}
    return (
        *(IngressClass(metadata=Meta(n), spec=IngressClassSpec(controller=c)) for n, c in controllers.items()),
        *(Service(metadata=Meta(name, "shop"), spec=web) for name in ("web", "other", "auth")),
        Secret(metadata=Meta("users", "shop"), string_data={"auth": users}),
        Secret(metadata=Meta("htpasswd", "shop"), type="nginx.org/htpasswd", string_data={"htpasswd": users}),
        Secret(metadata=Meta("keys", "shop"), type="nginx.org/jwk", string_data={"jwk": jwk}),
        Secret(metadata=Meta("pair", "shop"), type="kubernetes.io/tls", string_data=secret),
        ConfigMap(metadata=Meta("extra", "shop"), data={"X-Extra": "1"}),
    )


def translated(*objects: Base, without: ObjectRef | None = None, **options: object) -> Translation:
    """HOST as the world and some objects say it."""
    from manifests import options as usual  # noqa: PLC0415

    store = Store()
    store.apply([*(each for each in world() if ref_of(each) != without), *objects])
    chosen = usual(classes=("nginx", "nginx-org"), **options)
    claims: list[Claim] = []
    dialect = DIALECTS[0]
    for each in objects:
        found: Claims = dialect.claims(each, Lookup(store), chosen)
        claims += [Claim(each, parts) for host, parts in found.hosts.items() if host == HOST]
    return dialect.translate(HOST, claims, Lookup(store), chosen)


def routes(found: Translation) -> dict[str, list[Route]]:
    """The routes of the listener that serves the host, by the object that they come from."""
    by_name: dict[str, list[Route]] = {}
    served = next(config for config in reversed(found.hosts) if config.routes or config is found.hosts[0])
    for route in served.routes:
        by_name.setdefault(route.origin.ref.name, []).append(route)
    return by_name
