"""What a path forwards to: protocols from annotations and appProtocol, ExternalName where it is allowed."""

from __future__ import annotations

import pytest
from manifests import codes, objects, pipeline

from isthmus.dialects.services import unused_addresses
from isthmus.ir.action import Forward, Respond
from isthmus.ir.backend import Backend, Protocol
from isthmus.kube.store import Store
from isthmus.xds import api, names
from isthmus.xds.resources import CLUSTER

TEXT = """
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{type: {kind}, externalName: api.example.com, ports: [{{port: 443, appProtocol: {said}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web, annotations: {notes}}}
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 443}}}}}}}}]}}
"""
KEY = "nginx.ingress.kubernetes.io/backend-protocol"


def translated(said: str = "null", notes: str = "{}", kind: str = "ClusterIP", allowed: bool = False):  # type: ignore[no-untyped-def]
    made = pipeline(allow_external_name=allowed)
    update = made.apply(objects(TEXT.format(said=said, notes=notes, kind=kind)))
    return made.memo.hosts["a.test"].hosts[0].routes[0].action, update


@pytest.mark.parametrize(
    ("said", "notes", "protocol", "tls"),
    [
        ("null", "{}", Protocol.HTTP1, False),
        ("https", "{}", Protocol.HTTP1, True),
        ("kubernetes.io/h2c", "{}", Protocol.HTTP2, False),
        ("grpc", "{}", Protocol.HTTP2, False),
        ("kubernetes.io/wss", "{}", Protocol.HTTP1, True),
        ("nonsense", "{}", Protocol.HTTP1, False),
        ("https", f"{{{KEY}: grpc}}", Protocol.HTTP2, False),
        ("null", f"{{{KEY}: GRPCS}}", Protocol.HTTP2, True),
        ("null", f"{{{KEY}: HTTPS}}", Protocol.HTTP1, True),
        ("grpc", f"{{{KEY}: HTTP}}", Protocol.HTTP1, False),
    ],
)
def test_how_a_backend_is_spoken_to(said: str, notes: str, protocol: Protocol, tls: bool) -> None:
    action, _ = translated(said, notes)
    assert isinstance(action, Forward)
    assert (action.backend.protocol, action.backend.tls) == (protocol, tls)
    assert action.websocket is (protocol is Protocol.HTTP1)


def test_external_names_are_refused() -> None:
    action, update = translated(kind="ExternalName")
    assert isinstance(action, Respond)
    assert action.status == 503
    assert codes(update.found) == ["ISTH0053"]


def test_external_names_are_resolved_where_they_are_allowed() -> None:
    action, update = translated(kind="ExternalName", said="https", allowed=True)
    assert isinstance(action, Forward)
    assert action.backend.dns == "api.example.com"
    made = next(change.resource for change in update.changes if change.type_url == CLUSTER)
    assert made is not None
    cluster = api.Cluster.FromString(made.body)
    assert cluster.type == api.Cluster.STRICT_DNS
    assert "ISTH0052" not in codes(update.found)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("timeout", [5_000, 3_000])
def test_cluster_names_lead_back_to_the_service(tls: bool, timeout: int) -> None:
    action, _ = translated()
    assert isinstance(action, Forward)
    backend = Backend(action.backend.service, Protocol.HTTP2, tls, timeout)
    assert names.service_of(names.cluster(backend)) == backend.service
    assert names.cluster(backend) != names.cluster(action.backend)


@pytest.mark.parametrize("port", [0, 70_000])
def test_a_port_that_is_none_closes_the_path(port: int) -> None:
    made = pipeline()
    text = TEXT.format(said="null", notes="{}", kind="ClusterIP").replace("443", str(port))
    update = made.apply(objects(text))
    action = made.memo.hosts["a.test"].hosts[0].routes[0].action
    assert isinstance(action, Respond)
    assert "ISTH0056" in codes(update.found)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (("default", "web", 0), []),
        (("default", "web", 443), []),
        (("default", "web", 80), ["ISTH0058"]),
        (("default", "wbe", 0), ["ISTH0058"]),
    ],
)
def test_addresses_that_nobody_asks_for_are_named(key: tuple[str, str, int], found: list[str]) -> None:
    store = Store({key: (("127.0.0.1", 1),)})
    store.apply(objects(TEXT.format(said="null", notes="{}", kind="ClusterIP")))
    assert codes(unused_addresses(store)) == found
