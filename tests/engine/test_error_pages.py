"""Error pages of a running gateway: on hosts of every kind, and out of reach of whoever guesses where they are."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
from gateways import Gateway, http_echoes

from isthmus.app.offline import make_pipeline
from isthmus.app.settings import Settings
from isthmus.edge.files import load
from isthmus.xds import api
from isthmus.xds.filters.error_pages import PREFIX
from isthmus.xds.resources import SCOPE

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: errors}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: INGRESS
  annotations:
    nginx.ingress.kubernetes.io/custom-http-errors: "404,418"
    nginx.ingress.kubernetes.io/default-backend: errors
spec:
  ingressClassName: nginx
  rules:
  - host: HOST
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""
HOSTS = ("one.test", "*.two.test", "")
ASKED = ("one.test", "a.two.test", "a.b.two.test", "nobody.test", "isthmus.invalid")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("pages")
    for number, host in enumerate(HOSTS):
        text = MANIFESTS if not number else MANIFESTS.rpartition("---")[2]
        text = text.replace("INGRESS", f"i{number}").replace("host: HOST", f'host: "{host}"')
        (folder / f"{number}.yaml").write_text(text)
    with http_echoes("web", "errors") as echoes:
        endpoints = {f"default/{name}": [address] for name, address in echoes.items()}
        with Gateway([folder], endpoints) as running:
            running.folder = folder  # type: ignore[attr-defined]
            yield running


@pytest.mark.parametrize("host", ASKED)
def test_a_page_comes_in_the_place_of_an_error(gateway: Gateway, host: str) -> None:
    assert gateway.get(host, "/x").replica == "web"
    answer = gateway.get(host, "/x?status=418")
    told = {name: value for name, value in json.loads(answer.body)["headers"]}
    assert (answer.replica, answer.status) == ("errors", 418)  # the echo takes its status from the query
    assert (told["host"], told["x-forwarded-host"]) == (host, host)
    assert (told["x-code"], told["x-original-uri"]) == ("418", "/x?status=418")


def test_pages_outlive_the_control_plane(gateway: Gateway) -> None:
    os.kill(gateway.pid("control-plane-started"), signal.SIGKILL)
    gateway.wait("control-plane-ended")
    assert [gateway.get(host, "/x?status=418").replica for host in ASKED] == ["errors"] * len(ASKED)
    gateway.wait("ready")
    assert [gateway.get(host, "/x?status=418").replica for host in ASKED] == ["errors"] * len(ASKED)


@pytest.mark.parametrize("host", ASKED)
def test_nobody_else_finds_a_page(gateway: Gateway, host: str) -> None:
    """Where it would be, as far as the manifests alone say."""
    pipeline = make_pipeline(Settings((), endpoints=(("default", "web", 80, (("127.0.0.1", 1),)),)))
    update = pipeline.apply(load([str(gateway.folder)], None).objects)  # type: ignore[attr-defined]
    paths = set()
    for change in update.changes:
        if change.type_url == SCOPE and change.resource is not None:
            scope = api.ScopedRouteConfiguration.FromString(change.resource.body)
            for virtual in scope.route_configuration.virtual_hosts:
                paths |= {route.match.path for route in virtual.routes if route.match.path.startswith(PREFIX)}
    assert len(paths) == len(HOSTS)
    for path in paths:
        for told in ({}, {"x-isthmus-host": "one.test", "x-code": "404"}):
            assert gateway.get(host, path, headers=told).replica == "web"
