"""`isthmus compare` between two real gateways: equal manifests are equal, and each edit is found under its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from gateways import Gateway, http_echoes

from isthmus.cli.main import isthmus
from isthmus.edge import pki

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: nginx
  rules:
    - host: shop.test
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
          - {path: /cart, pathType: Prefix, backend: {service: {name: CART, port: {name: http}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: secure, annotations: {nginx.ingress.kubernetes.io/ssl-redirect: "REDIRECT"}}
spec:
  ingressClassName: nginx
  tls: [{hosts: [secure.test], secretName: secure-tls}]
  rules:
    - host: secure.test
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
"""
EXTRA = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: extra}
spec:
  ingressClassName: nginx
  rules:
    - host: extra.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}
"""
# The echo server shows the request's headers, among them the identity that each gateway gives it.
SAME_EVERY_TIME = ("--ignore-json-path", "$.headers")
LOG = '192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET {} HTTP/1.1" 200 5 "-" "-" 88 0.002 [-] [] - 5 0.002 200 -\n'


@pytest.fixture(scope="module")
def authority() -> pki.Authority:
    return pki.authority("test")


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory, authority: pki.Authority) -> Iterator[tuple[Gateway, Gateway]]:
    folders = [tmp_path_factory.mktemp(name) for name in ("old", "new")]
    pair = pki.leaf(authority, ["secure.test"])
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "secure-tls"},
        "stringData": {"tls.crt": pair.cert_pem.decode(), "tls.key": pair.key_pem.decode()},
    }  # fmt: skip
    old = MANIFESTS.replace("CART", "cart").replace("REDIRECT", "true") + EXTRA
    new = MANIFESTS.replace("CART", "web").replace("REDIRECT", "false")
    for folder, text in zip(folders, (old, new), strict=True):
        (folder / "all.yaml").write_text(text)
        (folder / "secret.yaml").write_text(yaml.safe_dump(secret))
    with http_echoes("web-1", "cart-1") as servers:
        endpoints = {"default/web": [servers["web-1"]], "default/cart": [servers["cart-1"]]}
        with Gateway([folders[0]], endpoints) as one, Gateway([folders[1]], endpoints) as other:
            yield one, other


def http(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.http_port}"


def https(gateway: Gateway) -> str:
    return f"https://127.0.0.1:{gateway.https_port}"


def compare(old: str, new: str, text: str, *more: str) -> Result:
    words = ["compare", "--old", old, "--new", new, *SAME_EVERY_TIME, *more, "-"]
    return CliRunner().invoke(isthmus, words, input=text)


def differences(result: Result) -> dict[str, list[str]]:
    """Kind -> host and path of each request."""
    assert result.exit_code in (0, 1), result.output
    groups: list[dict[str, Any]] = json.loads(result.stdout)["differences"]
    return {each["kind"]: [example["host"] + example["path"] for example in each["examples"]] for each in groups}


def lines(*urls: str) -> str:
    return "".join(json.dumps({"url": url}) + "\n" for url in urls)


def test_a_gateway_equals_itself(gateways: tuple[Gateway, Gateway]) -> None:
    old = http(gateways[0])
    text = lines("http://shop.test/a?b=1", "http://shop.test/cart", "http://secure.test/", "http://nobody.test/")
    result = compare(old, old, text)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert "4 requests from 4 lines sent to both: no difference" in result.stdout


def test_each_edit_is_found(gateways: tuple[Gateway, Gateway]) -> None:
    text = lines("http://shop.test/a", "http://shop.test/cart/1", "http://secure.test/x", "http://extra.test/")
    found = differences(compare(*map(http, gateways), text, "-o", "json"))
    assert found == {
        "status 200 -> 404": ["extra.test/"],
        "status 308 -> 200": ["secure.test/x"],
        "header x-served-by": ["shop.test/cart/1"],
        "body": ["shop.test/cart/1"],
    }


def test_an_access_log_without_hosts(gateways: tuple[Gateway, Gateway]) -> None:
    text = LOG.format("/a") + LOG.format("/cart/1") * 3
    found = compare(*map(http, gateways), text, "--host", "shop.test", "--ignore-header", "X-Served-By")
    assert found.exit_code == 1
    assert "2 requests from 4 lines sent to both: 1 the same, 1 different" in found.stdout
    assert '$.replica: "cart-1" -> "web-1"' in found.stdout


def test_redirects_to_ones_own_port_are_the_same(gateways: tuple[Gateway, Gateway], tmp_path: Path) -> None:
    old = gateways[0]
    manifests = (tmp_path / "all.yaml", tmp_path / "secret.yaml")
    manifests[0].write_text(MANIFESTS.replace("CART", "cart").replace("REDIRECT", "true"))
    with http_echoes("web-1") as servers, Gateway([tmp_path], {"default/web": [servers["web-1"]]}) as new:
        text = lines("http://secure.test/x")
        assert differences(compare(http(old), http(new), text, "-o", "json")) == {"location": ["secure.test/x"]}
        both = ("--old", https(old), "--new", https(new))
        assert compare(http(old), http(new), text, *both).exit_code == 0


def test_tls_goes_by_the_name_of_the_host(
    gateways: tuple[Gateway, Gateway], authority: pki.Authority, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem)
    urls = [https(each) for each in gateways]
    text = lines("https://secure.test/a", "https://secure.test/b")
    trusted = compare(*urls, text, "--cacert", str(tmp_path / "ca.pem"))
    assert trusted.exit_code == 0, trusted.output
    assert "2 requests" in trusted.stdout
    assert compare(*urls, text, "--insecure").exit_code == 0
    refused = compare(*urls, text)
    assert refused.exit_code == 3
    assert "the certificate is not trusted" in refused.stderr and "Traceback" not in refused.output
    wrong = compare(*urls, lines("https://shop.test/"), "--cacert", str(tmp_path / "ca.pem"))
    assert wrong.exit_code == 3


def test_each_scheme_has_its_address(gateways: tuple[Gateway, Gateway]) -> None:
    old = gateways[0]
    text = lines("https://secure.test/a", "http://secure.test/a")
    both = [word for name in ("--old", "--new") for word in (name, https(old))]
    result = compare(http(old), http(old), text, *both, "--insecure", "-o", "json")
    assert json.loads(result.stdout)["same"] == 2
    only = compare(http(old), http(old), text)
    assert "recorded over https, sent over another scheme: 1 line (--old and --new https://...)" in only.stdout
