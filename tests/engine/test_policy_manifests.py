"""What annotations ask of requests, on exact hosts, wildcard hosts and the catch-all alike, over both listeners."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gateways import Gateway, ask, ask_with_body, http_echoes

_N = "nginx.ingress.kubernetes.io/"
ASKED = {
    "denied": f'{_N}denylist-source-range: "0.0.0.0/0,::/0"',
    "small": f'{_N}proxy-body-size: "100"',
    "cors": f'{_N}enable-cors: "true", {_N}cors-allow-origin: "https://app.test"',
    "limited": f'{_N}limit-rpm: "1", {_N}limit-burst-multiplier: "1"',
    "answers": f'{_N}custom-headers: "default/answers"',
}
HOSTS = {"exact.test": "exact.test", "*.wild.test": "a.wild.test", "": "anything.else"}
OBJECTS = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: answers}
data: {X-Answer: "100% $host"}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  rules:
    - {host}http:
        paths: [{{path: /{path}, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file = tmp_path_factory.mktemp("policies") / "all.yaml"
    text = OBJECTS
    for index, host in enumerate(HOSTS):
        named = f'host: "{host}"\n      ' if host else ""
        for path, notes in ASKED.items():
            text += INGRESS.format(name=f"{path}-{index}", notes=notes, host=named, path=path)
    file.write_text(text)
    with http_echoes("web") as echoes, Gateway([file], {"default/web": [echoes["web"]]}) as running:
        yield running


WRITTEN = [*HOSTS.values(), "Exact.TEST", "A.wild.test", "Anything.else"]  # upper case must open nothing


@pytest.mark.parametrize("host", WRITTEN)
def test_source_ranges(gateway: Gateway, host: str) -> None:
    assert gateway.get(host, "/denied").status == 403


@pytest.mark.parametrize("host", WRITTEN)
def test_bodies(gateway: Gateway, host: str) -> None:
    sizes = [ask_with_body(gateway.http_port, host, "/small", b"x" * size, {}).status for size in (100, 101)]
    assert sizes == [200, 413]


@pytest.mark.parametrize("host", WRITTEN)
def test_preflights(gateway: Gateway, host: str) -> None:
    asked = {"origin": "https://app.test", "access-control-request-method": "PUT"}
    answer = ask(gateway.http_port, host, "/cors", method="OPTIONS", headers=asked)
    assert answer.headers["access-control-allow-origin"] == "https://app.test"
    other = ask(gateway.http_port, host, "/cors", headers={"origin": "https://evil.test"})
    assert (other.status, other.headers["access-control-allow-origin"]) == (200, None)


@pytest.mark.parametrize("host", HOSTS.values())
def test_rates(gateway: Gateway, host: str) -> None:
    assert {gateway.get(host, "/limited").status for _ in range(5)} == {200, 503}


@pytest.mark.parametrize("host", WRITTEN)
def test_headers(gateway: Gateway, host: str) -> None:
    assert gateway.get(host, "/answers").headers["x-answer"] == "100% $host"
