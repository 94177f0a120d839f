"""Builders for tests: YAML text to objects, and the pipeline over them, with a fixed clock.

Every test directory may import this (pytest puts tests/ on the path).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from isthmus.dialects import DIALECTS
from isthmus.dialects.dialect import Options
from isthmus.ir.listener import HTTP, HTTPS, Listener
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.objects import Base, Meta, Secret
from isthmus.kube.store import Store
from isthmus.machines.pipeline import Pipeline, Update
from isthmus.xds.listeners import Edge
from isthmus.xds.resources import Change, Resource

NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
# To be formatted: an Ingress and its Service, by name, notes (annotations) and path.
INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http:
        paths:
          - path: {path}
            pathType: ImplementationSpecific
            backend: {{service: {{name: {name}, port: {{number: 80}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80}}]}}
---
"""
LISTENERS = (Listener(HTTP, "127.0.0.1", 8080), Listener(HTTPS, "127.0.0.1", 8443, tls=True))


def options(**changes: object) -> Options:
    """The usual options, with some changed."""
    return Options(**{"now": NOW, "https_port": 8443, **changes})


def objects(text: str) -> tuple[Base, ...]:
    """The objects of a YAML text; the text must be without problems."""
    from isthmus.kube.decode import decode  # noqa: PLC0415

    found = decode("test.yaml", text)
    assert not found.diagnostics, found.diagnostics
    return found.objects


def pipeline(**changes: object) -> Pipeline:
    """An empty pipeline."""
    return Pipeline(Store(), DIALECTS, options(**changes), LISTENERS, Edge())


class Table:
    """What Envoy would hold after some changes."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Resource] = {}

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            key = change.type_url, change.name
            if change.resource is None:
                self.resources.pop(key, None)
            else:
                self.resources[key] = change.resource

    def get(self, type_url: str, name: str) -> Resource | None:
        """As the simulator asks."""
        return self.resources.get((type_url, name))


def codes(found: Iterable[Diagnostic]) -> list[str]:
    """The ids of some findings, sorted, without doubles."""
    return sorted({diagnostic.code.id for diagnostic in found})


def translate(text: str, **changes: object) -> Update:
    """Everything that a YAML text leads to."""
    return pipeline(**changes).apply(objects(text))


def tls_secret(name: str, cert: bytes, key: bytes, namespace: str = "default") -> Secret:
    """A kubernetes.io/tls Secret."""
    data = {"tls.crt": cert.decode(), "tls.key": key.decode()}
    return Secret(metadata=Meta(name, namespace), type="kubernetes.io/tls", string_data=data)
