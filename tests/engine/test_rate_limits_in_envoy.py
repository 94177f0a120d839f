"""Rate limits in a real gateway: what shares a bucket, and what keeps its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gateways import Gateway, ask, ask_with_body, greeters, http_echoes

_N = "nginx.ingress.kubernetes.io"
LIMIT = f"{_N}/limit-rpm: '2', {_N}/limit-burst-multiplier: '1'"  # three at once, then one in half a minute
OTHER = f"{_N}/limit-rpm: '1', {_N}/limit-burst-multiplier: '1'"
PAGES = f"{LIMIT}, {_N}/custom-http-errors: '503', {_N}/default-backend: pages"
_METHOD = "/helloworld.Greeter/SayHello"

SERVICES = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: pages}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {ports: [{name: grpc, port: 50051}]}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: "{host}"
      http:
        paths: [{paths}]
"""
PATH = "{{path: {}, pathType: Prefix, backend: {{service: {{name: {}, port: {{number: {}}}}}}}}}"


def ingress(name: str, host: str, annotations: str, *paths: str, service: str = "web") -> str:
    number = 50051 if service == "greeter" else 80
    rules = ", ".join(PATH.format(path, service, number) for path in paths)
    return INGRESS.format(name=name, host=host, annotations=annotations, paths=rules)


MANIFESTS = (
    SERVICES
    + ingress("one", "shared.test", LIMIT, "/a", "/b")
    + ingress("two", "shared.test", OTHER, "/c")
    + ingress("three", "shared.test", "", "/free")
    + ingress("four", "*.wild.test", LIMIT, "/a", "/b")
    + ingress("five", "*.wild.test", "", "/free")
    + ingress("six", "pages.test", PAGES, "/")
    + ingress("seven", "api.test", f'isthmus.dev/transcode: "true", {LIMIT}', "/", service="greeter")
    + ingress("eight", "denied.test", f"{LIMIT}, {_N}/allowlist-source-range: 10.0.0.0/8", "/")
    + ingress("nine", "shared.test", f"{LIMIT}, {_N}/limit-allowlist: 0.0.0.0/0", "/exempt")
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file = tmp_path_factory.mktemp("limits") / "all.yaml"
    file.write_text(MANIFESTS)
    with http_echoes("web", "pages") as echoes, greeters("greeter") as servers:
        ends = {f"default/{name}": [address] for name, address in (echoes | {"greeter": servers["greeter"]}).items()}
        with Gateway([file], ends) as running:
            running.wait_for_routes_of_api()
            yield running


def statuses(gateway: Gateway, host: str, *paths: str, method: str = "GET") -> list[int]:
    return [ask(gateway.http_port, host, path, method=method).status for path in paths]


def test_the_paths_of_an_ingress_share_their_limit_and_other_ingresses_have_their_own(gateway: Gateway) -> None:
    assert statuses(gateway, "shared.test", "/a", "/b", "/a", "/b", "/a") == [200, 200, 200, 503, 503]
    assert statuses(gateway, "shared.test", "/c", "/c", "/c") == [200, 200, 503]
    assert statuses(gateway, "shared.test", *["/free", "/exempt"] * 5) == [200] * 10


def test_names_of_a_wildcard_share_their_limit(gateway: Gateway) -> None:
    asked = [("x.wild.test", "/a"), ("y.wild.test", "/b"), ("x.wild.test", "/b"), ("y.wild.test", "/a")]
    assert [status for host, path in asked for status in statuses(gateway, host, path)] == [200, 200, 200, 503]
    assert statuses(gateway, "x.wild.test", *["/free"] * 5) == [200] * 5


def test_head_counts_with_get_and_refusals_have_their_page(gateway: Gateway) -> None:
    assert statuses(gateway, "pages.test", "/", "/", method="HEAD") == [200, 200]
    assert statuses(gateway, "pages.test", "/") == [200]
    refused = ask(gateway.http_port, "pages.test", "/")
    assert b'"pages"' in refused.body, "the page of the refusal"
    assert statuses(gateway, "pages.test", "/", method="HEAD") == [503]


def test_the_protocols_of_an_api_share_their_limit(gateway: Gateway) -> None:
    kinds = ["application/json", "application/grpc-web+proto", "application/proto", "application/connect+json"]
    found = []
    for kind in kinds:
        headers = {"content-type": kind} | ({"connect-protocol-version": "1"} if "connect" in kind else {})
        body = b"{}" if kind == "application/json" else b"\0\0\0\0\0" if "+" in kind else b""
        found.append(ask_with_body(gateway.http_port, "api.test", _METHOD, body, headers))
    assert [answer.status for answer in found[:3]] == [200, 200, 200]
    last = found[3]
    assert last.status == 429 or b"resource_exhausted" in last.body or b"unavailable" in last.body


def test_requests_are_counted_before_they_are_judged(gateway: Gateway) -> None:
    assert statuses(gateway, "denied.test", *["/"] * 5) == [403, 403, 403, 503, 503]
