"""Headers that the controller's ConfigMap asks for, in a real gateway: on all answers and to all backends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, http_echoes, save

OBJECTS = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: to-backends, namespace: ingress-nginx}
data: {X-Start: "t=${msec}", X-Gone: ""}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: on-answers, namespace: ingress-nginx}
data: {X-All: ALL-OF-IT}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller, namespace: ingress-nginx}
data:
  proxy-set-headers: ingress-nginx/to-backends
  add-headers: ingress-nginx/on-answers
  hide-headers: x-served-by
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    file = tmp_path_factory.mktemp("shared") / "all.yaml"
    file.write_text(OBJECTS)
    with http_echoes("web") as echoes, Gateway([file], {"default/web": [echoes["web"]]}) as running:
        yield running, file


def test_headers_for_all(gateway: tuple[Gateway, Path]) -> None:
    running, file = gateway
    answer = running.get("a.test", "/", headers={"x-start": "forged", "x-gone": "here"})
    told = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    assert re.fullmatch(r"t=[0-9]{10}\.[0-9]{3}", told["x-start"])
    assert "x-gone" not in told
    assert (answer.headers["x-all"], answer.headers["x-served-by"]) == ("ALL-OF-IT", None)
    save(file, OBJECTS.replace("ALL-OF-IT", "changed"))
    running.wait("applied")
    assert running.get("a.test", "/").headers["x-all"] == "changed"
