"""What only an adapter can serve stays on the path of its own route: a neighbour's password is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gateways import Gateway, ask_with_body, greeters

_SERVICE = "/helloworld.Greeter"
_N = "nginx.ingress.kubernetes.io/"
MANIFESTS = """apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {ports: [{name: grpc, port: 50051}]}
---
apiVersion: v1
kind: Secret
metadata: {name: users}
stringData: {auth: 'user:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ='}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{isthmus.dev/transcode: "true"{more}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {host}
      http:
        paths: [{{path: {path}, pathType: {kind}, backend: {{service: {{name: greeter, port: {{name: grpc}}}}}}}}]
"""
OPEN = {
    "exact.test": (f"{_SERVICE}/SayHello", "Exact"),
    "text.test": (f"{_SERVICE}/SayHelloStreamRe", "ImplementationSpecific"),
    "parts.test": (f"{_SERVICE}/SayHello", "Prefix"),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file = tmp_path_factory.mktemp("adapted") / "all.yaml"
    basic = f", {_N}auth-type: basic, {_N}auth-secret: users"
    texts = [MANIFESTS]
    for number, (host, (path, kind)) in enumerate(OPEN.items()):
        texts.append(INGRESS.format(name=f"open-{number}", more="", host=host, path=path, kind=kind))
        texts.append(INGRESS.format(name=f"asked-{number}", more=basic, host=host, path="/", kind="Prefix"))
    file.write_text("".join(texts))
    with greeters("greeter") as servers, Gateway([file], {"default/greeter": [servers["greeter"]]}) as running:
        running.wait_for_routes_of_api()
        yield running


def status(gateway: Gateway, host: str, method: str) -> int:
    path = f"{_SERVICE}/{method}"
    return ask_with_body(gateway.http_port, host, path, b"{}", {"content-type": "application/json"}).status


@pytest.mark.parametrize("host", OPEN)
@pytest.mark.parametrize("method", ["SayHelloStreamReply", "SayHelloStreamRequest", "SayHelloBidiStream"])
def test_streams_beside_an_open_path(gateway: Gateway, host: str, method: str) -> None:
    is_open = host == "text.test" and method.startswith("SayHelloStreamRe")
    assert status(gateway, host, method) == (200 if is_open else 401)


@pytest.mark.parametrize("host", ["exact.test", "parts.test"])
def test_the_open_path_itself(gateway: Gateway, host: str) -> None:
    assert status(gateway, host, "SayHello") == 200
