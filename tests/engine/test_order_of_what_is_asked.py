"""Nothing that a route asks is skipped because something before it took its time: helpers answer later than filters."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from gateways import Gateway, ask, ask_with_body, http_echoes

_N = "nginx.ingress.kubernetes.io/"
_CONCURRENCY = f'{_N}limit-connections: "5"'
_BASIC = f"{_N}auth-type: basic, {_N}auth-secret: users, {_N}auth-realm: here"
ASKED = {
    "denied": f'{_CONCURRENCY}, {_N}denylist-source-range: "0.0.0.0/0,::/0"',
    "users": f"{_CONCURRENCY}, {_BASIC}",
    "either": f'{_CONCURRENCY}, {_BASIC}, {_N}satisfy: any, {_N}allowlist-source-range: "203.0.113.0/24"',
    "small": f'{_CONCURRENCY}, {_BASIC}, {_N}proxy-body-size: "100"',
    "sticky": f"{_CONCURRENCY}, {_BASIC}, {_N}affinity: cookie, {_N}affinity-mode: persistent",
    "limited": f'{_CONCURRENCY}, {_BASIC}, {_N}limit-rpm: "1", {_N}limit-burst-multiplier: "1"',
    "answers": f"{_CONCURRENCY}, {_BASIC}, {_N}custom-headers: answers",
}
HOSTS = {"exact.test": "exact.test", "*.wild.test": "a.wild.test"}
GOOD = {"authorization": "Basic " + base64.b64encode(b"user:pass").decode()}
OBJECTS = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: answers}
data: {X-Answer: yes}
---
apiVersion: v1
kind: Secret
metadata: {name: users}
stringData: {auth: 'user:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ='}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: "{host}"
      http:
        paths: [{{path: /{path}, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file = tmp_path_factory.mktemp("order") / "all.yaml"
    ingresses = (
        INGRESS.format(name=f"{path}-{index}", notes=notes, host=host, path=path)
        for index, host in enumerate(HOSTS)
        for path, notes in ASKED.items()
    )
    file.write_text(OBJECTS.replace("yes}", '"yes"}') + "".join(ingresses))
    with http_echoes("web") as echoes, Gateway([file], {"default/web": [echoes["web"]]}) as running:
        yield running


@pytest.fixture(params=HOSTS.values())
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_source_ranges_after_a_count(gateway: Gateway, host: str) -> None:
    assert gateway.get(host, "/denied").status == 403


@pytest.mark.parametrize("path", ["/users", "/either", "/small", "/sticky", "/answers"])
def test_passwords_after_a_count(gateway: Gateway, host: str, path: str) -> None:
    assert gateway.get(host, path).status == 401
    assert gateway.get(host, path, headers=GOOD).status == 200


def test_sizes_after_a_password(gateway: Gateway, host: str) -> None:
    sizes = [ask_with_body(gateway.http_port, host, "/small", b"x" * size, GOOD).status for size in (100, 101)]
    assert sizes == [200, 413]


def test_stickiness_after_a_password(gateway: Gateway, host: str) -> None:
    assert "INGRESSCOOKIE=" in str(gateway.get(host, "/sticky", headers=GOOD).headers["set-cookie"])


def test_rates_after_a_count(gateway: Gateway, host: str) -> None:
    assert {gateway.get(host, "/limited", headers=GOOD).status for _ in range(5)} == {200, 503}


def test_headers_of_refusals(gateway: Gateway, host: str) -> None:
    refused = ask(gateway.http_port, host, "/answers")
    assert (refused.status, refused.headers["x-answer"]) == (401, "yes")
