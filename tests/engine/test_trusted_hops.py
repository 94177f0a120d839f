"""Whose word about the client counts: nobody's, or that of as many proxies as the operator says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from gateways import Gateway, http_echoes

MANIFESTS = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {nginx.ingress.kubernetes.io/allowlist-source-range: 10.0.0.0/8}}
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


@pytest.fixture(scope="module", params=[0, 1, 2])
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Gateway]]:
    file = tmp_path_factory.mktemp("hops") / "all.yaml"
    file.write_text(MANIFESTS)
    hops = int(request.param)
    with http_echoes("web") as echoes:
        endpoints = {"default/web": [echoes["web"]]}
        with Gateway([file], endpoints, "--trusted-hops", str(hops)) as running:
            yield hops, running


@pytest.mark.parametrize(
    ("said", "hops"),
    [
        ("10.1.2.3", {1}),
        ("203.0.113.5, 10.1.2.3", {1}),
        ("10.1.2.3, 203.0.113.5", {2}),
        ("10.1.2.3, 203.0.113.5, 203.0.113.6", set()),
        ("203.0.113.5", set()),
    ],
)
def test_the_address_that_the_outermost_trusted_proxy_saw(
    behind: tuple[int, Gateway], said: str, hops: set[int]
) -> None:
    count, gateway = behind
    answer = gateway.get("a.test", headers={"x-forwarded-for": said, "x-forwarded-proto": "https"})
    assert answer.status == (200 if count in hops else 403)
    if answer.status == 200:
        told = dict(json.loads(answer.body)["headers"])
        assert (told["x-real-ip"], told["x-forwarded-for"], told["x-scheme"]) == ("10.1.2.3", "10.1.2.3", "https")
