"""The server of a URL: a Service, another host, this gateway; or why none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.dialects.ingress.grammar.url_server import UrlServer, url_server
from isthmus.ir.backend import Backend, ServicePortRef, Trust
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import Meta, Service, ServicePort, ServiceSpec
from isthmus.kube.store import Lookup, Store

NAMES = {"namespace": "shop", "service_name": "web"}
HOST = (Variable(Of.HOST),)


def service(name: str, namespace: str, *ports: int, **spec: str) -> Service:
    return Service(
        metadata=Meta(name, namespace),
        spec=ServiceSpec(ports=tuple(ServicePort(port) for port in ports), **spec),
    )


def look() -> Lookup:
    store = Store()
    outside = {"type": "ExternalName", "external_name": "login.example.com"}
    inside = {"type": "ExternalName", "external_name": "localhost"}
    store.apply(
        [
            service("auth", "shop", 80, 443),
            service("auth", "sso", 8080),
            service("out", "shop", **outside),
            service("in", "shop", **inside),
        ]
    )
    return Lookup(store)


def found(url: str) -> UrlServer | str:
    return url_server(url, NAMES, "shop", look())


SHOP, SSO = ServicePortRef("shop", "auth", 80), ServicePortRef("sso", "auth", 8080)
OUT = ServicePortRef("shop", "login.example.com", 443)


@pytest.mark.parametrize(
    ("url", "backend", "host", "rest"),
    [
        ("http://auth", Backend(SHOP), "auth", ("/",)),
        ("http://auth.shop/x?a=b", Backend(SHOP), "auth.shop", ("/x?a=b",)),
        ("HTTP://AUTH.shop.svc:80/", Backend(SHOP), "auth.shop.svc", ("/",)),
        ("http://auth.sso.svc.cluster.local:8080/x#y", None, "", ()),
        ("http://auth.sso.svc.cluster.local:8080?x", Backend(SSO), "auth.sso.svc.cluster.local", ("?x",)),
        ("http://auth.$namespace.svc/$service_name", Backend(SHOP), "auth.shop.svc", ("/web",)),
        (
            "https://auth.shop.svc/",
            Backend(ServicePortRef("shop", "auth", 443), tls=True, trust=Trust(name="auth.shop.svc")),
            "auth.shop.svc",
            ("/",),
        ),
        ("https://login.example.com/a", Backend(OUT, tls=True, dns="login.example.com"), "login.example.com", ("/a",)),
        ("http://out", Backend(ServicePortRef("shop", "out", 80), dns="login.example.com"), "out", ("/",)),
        (
            "http://10.1.2.3:81/",
            Backend(ServicePortRef("shop", "10.1.2.3", 81), address="10.1.2.3"),
            "10.1.2.3",
            ("/",),
        ),
        ("http://[fd00::1]/", Backend(ServicePortRef("shop", "fd00::1", 80), address="fd00::1"), "fd00::1", ("/",)),
        ("http://auth/$request_uri", Backend(SHOP), "auth", ("/", Variable(Of.TARGET))),
    ],
)
def test_servers(url: str, backend: Backend | None, host: str, rest: tuple[str | Variable, ...]) -> None:
    server = found(url)
    if backend is None:
        assert isinstance(server, str)
    else:
        assert server == UrlServer(backend, (host,), rest, backend.tls)


@pytest.mark.parametrize(("scheme", "tls"), [("http", False), ("https", True)])
@pytest.mark.parametrize("name", ["$host", "${host}", "$http_host", "$server_name", "$best_http_host"])
def test_the_gateway_itself(scheme: str, tls: bool, name: str) -> None:
    assert found(f"{scheme}://{name}/ask") == UrlServer(None, HOST, ("/ask",), tls)


@pytest.mark.parametrize(
    "url",
    [
        "", " ", "auth", "//auth", "ftp://auth", "javascript:alert(1)", "http://", "http:///x", "http://:80",
        "http://auth:0", "http://auth:70000", "http://auth:x", "http://user@auth", "http://user:pw@auth/",
        "http://auth:81", "http://nobody", "http://nobody.shop.svc", "http://auth.other.svc.cluster.local",
        "http://a b/", "http://a\\b/", "http://-a/", "http://a..b/", "http://" + "a" * 300 + ".test/", "http://ü.test/",
        "http://[::1", "http://[::1]x/", "http://[x]/", "http://auth/\r\nHost: evil", "http://auth/\0",
        "http://$nothing/", "http://auth/$nothing", "http://$arg_host/", "http://$http_x_host/", "http://a$host/",
        "http://$host:8080/", "http://$host.evil.test/", "http://$cookie_server/", "$scheme://auth/", "$arg_url",
    ],
)  # fmt: skip
def test_urls_without_a_server(url: str) -> None:
    assert isinstance(found(url), str)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.1.2.3", "0.0.0.0", "[::1]", "[::]",
        "169.254.169.254", "[fe80::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "224.0.0.1",
        "255.255.255.255", "2130706433", "127.1", "0x7f.0.0.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "in",
    ],
)  # fmt: skip
def test_the_gateways_own_machine_is_refused(host: str) -> None:
    assert isinstance(found(f"http://{host}/"), str)


@given(st.text(max_size=100))
def test_any_text_is_a_server_or_a_reason(text: str) -> None:
    for url in (text, f"http://{text}", f"https://auth/{text}"):
        assert isinstance(url_server(url, NAMES, "shop", None), (UrlServer, str))
