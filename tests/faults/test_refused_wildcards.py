"""One wildcard host that Envoy refuses costs the others nothing, and keeps what it had, also after a kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, http_echoes, save

SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {0}}}
spec: {{ports: [{{name: http, port: 80}}]}}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {0}, annotations: {{nginx.ingress.kubernetes.io/use-regex: "true"}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: "*.{0}.test"
      http:
        paths:
          - {{path: "{2}", pathType: ImplementationSpecific, backend: {{service: {{name: {1}, port: {{number: 80}}}}}}}}
"""
# A gateway that lets expressions through which are too large for Envoy: what we check, it never gets to refuse.
CARELESS = "import isthmus.dialects.ingress.grammar.regex as regex\nregex._LARGEST = 1_000_000\n"
TOO_LARGE = "/[^x]{900}[^y]{900}[^z]{900}"


def manifest(**hosts: tuple[str, str]) -> str:
    """Hosts by their names, each with its backend and its path."""
    services = [SERVICE.format(name) for name in ("one", "two")]
    return "---".join([*services, *(INGRESS.format(name, *each) for name, each in hosts.items())])


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Gateway, Path]]:
    (tmp_path / "careless").mkdir()
    (tmp_path / "careless" / "sitecustomize.py").write_text(CARELESS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "careless"))
    file = tmp_path / "manifests.yaml"
    file.write_text(manifest(a=("one", "/"), b=("one", "/")))
    with http_echoes("one", "two") as addresses:
        endpoints = {f"default/{name}": [address] for name, address in addresses.items()}
        with Gateway([file], endpoints) as gateway:
            yield gateway, file


def shows(gateway: Gateway, a: str, b: str) -> bool:
    """Whether both answer so, at once or after one of the configurations that Envoy takes from now on."""
    while True:
        found = {name: gateway.get(f"x.{name}.test").replica for name in "ab"}
        if found == {"a": a, "b": b}:
            return True
        gateway.wait("applied")


def test_the_culprit_stays_behind_and_the_other_goes_on(served: tuple[Gateway, Path]) -> None:
    gateway, file = served
    assert shows(gateway, "one", "one")
    save(file, manifest(a=("two", TOO_LARGE), b=("two", "/")))
    refused = gateway.wait("diagnostic", code="ISTH0200")
    assert refused["object"]["name"] == "a" and "*.a.test" in refused["message"]
    assert shows(gateway, "one", "two")
    save(file, manifest(a=("two", TOO_LARGE), b=("one", "/")))
    assert shows(gateway, "one", "one")
    save(file, manifest(a=("two", TOO_LARGE), b=("two", "/")))
    assert shows(gateway, "one", "two")
    os.kill(gateway.pid("control-plane-started"), signal.SIGKILL)
    gateway.wait("control-plane-ended")
    assert gateway.wait("diagnostic", code="ISTH0200")["object"]["name"] == "a"
    gateway.wait("ready")
    assert shows(gateway, "one", "two")
    save(file, manifest(a=("two", TOO_LARGE), b=("one", "/")))
    assert shows(gateway, "one", "one")
    save(file, manifest(a=("two", "/"), b=("two", "/")))
    assert shows(gateway, "two", "two")
    assert {e["object"]["name"] for e in gateway.events if e.get("code") == "ISTH0200"} == {"a"}
