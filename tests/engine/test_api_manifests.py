"""`isthmus.dev/transcode` in manifests: exact and wildcard hosts, beside plain HTTP, as endpoints come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from gateways import Answer, Gateway, ask_with_body, greeters, http_echoes, save

from isthmus.edge.upstreams.greeter import HelloReply, HelloRequest

HELLO = "/helloworld.Greeter/SayHello"
JSON = {"content-type": "application/json"}
MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {ports: [{name: grpc, port: 50051}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80, appProtocol: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api, annotations: {isthmus.dev/transcode: "true"}}
spec:
  ingressClassName: nginx
  rules:
    - host: api.test
      http: &paths
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: greeter, port: {name: grpc}}}}
          - {path: /web, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
    - host: "*.wild.test"
      http: *paths
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: grpc-only, annotations: {nginx.ingress.kubernetes.io/backend-protocol: GRPC}}
spec:
  ingressClassName: nginx
  rules:
    - host: grpc.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: greeter, port: {name: grpc}}}}]}
"""
HOSTS = ["api.test", "a.wild.test", "Api.TEST", "A.wild.test"]  # upper case is as lower case


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("api")
    (folder / "all.yaml").write_text(MANIFESTS)
    with greeters("greeter-1") as grpcs, http_echoes("web-1") as webs:
        endpoints = {"default/greeter": [grpcs["greeter-1"]], "default/web": [webs["web-1"]]}
        with Gateway([folder], endpoints) as running:
            assert running.wait_for_routes_of_api()["schema"]
            yield running


def post(gateway: Gateway, host: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    return ask_with_body(gateway.http_port, host, path, body, headers)


@pytest.mark.parametrize("host", HOSTS)
def test_rest_beside_plain_http(gateway, host):
    answer = post(gateway, host, HELLO, b'{"name": "Ada"}', JSON)
    assert (answer.status, json.loads(answer.body)["message"]) == (200, "Hello Ada")
    assert gateway.get(host, "/web/x").replica == "web-1"


@pytest.mark.parametrize("host", HOSTS)
def test_headers_of_rest_callers_stay_here_and_metadata_of_others_go_on(gateway, host):
    rest = post(gateway, host, HELLO, b"{}", {**JSON, "x-echo-a": "1"})
    assert (rest.status, rest.headers["x-echo-a"]) == (200, None)
    web = post(gateway, host, HELLO, b"\0\0\0\0\0", {"content-type": "application/grpc-web", "x-echo-a": "1"})
    assert (web.status, web.headers["x-echo-a"]) == (200, "1")


@pytest.mark.parametrize("host", HOSTS)
def test_errors_are_json(gateway, host):
    for path, code in ((HELLO + "?nope=1", 3), ("/nope", 5)):
        answer = post(gateway, host, path, b"{}", JSON)
        assert (answer.headers["content-type"], json.loads(answer.body)["code"]) == ("application/json", code)


@pytest.mark.parametrize("host", HOSTS)
def test_connect_and_grpc(gateway, host):
    body = HelloRequest(name="Ada").SerializeToString()
    answer = post(gateway, host, HELLO, body, {"content-type": "application/proto"})
    assert HelloReply.FromString(answer.body).message == "Hello Ada"
    options = [("grpc.default_authority", host)]
    with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options) as channel:
        hello = channel.unary_unary(HELLO, HelloRequest.SerializeToString, HelloReply.FromString)
        assert hello(HelloRequest(name="Ada"), timeout=5).message == "Hello Ada"


def test_a_host_that_does_not_ask_is_not_transcoded(gateway):
    assert post(gateway, "grpc.test", HELLO, b"{}", JSON).status != 200


def test_before_the_schema_is_known_rest_is_told_and_grpc_works(tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text(MANIFESTS)
    with greeters("greeter-1") as servers, Gateway([file], {}) as gateway:
        answer = post(gateway, "api.test", HELLO, b"{}", JSON)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, 14)
        host, port = servers["greeter-1"].split(":")
        save(file, MANIFESTS + _slice(host, port))
        gateway.wait("api", failing="", state="reflection v1")
        gateway.wait("applied")
        assert post(gateway, "api.test", HELLO, b'{"name": "Ada"}', JSON).status == 200
        save(file, MANIFESTS.replace('transcode: "true"', 'transcode: "false"') + _slice(host, port))
        gateway.wait("applied")
        assert post(gateway, "api.test", HELLO, b'{"name": "Ada"}', JSON).status != 200


def _slice(host: str, port: str) -> str:
    return f"""---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: greeter-1, labels: {{kubernetes.io/service-name: greeter}}}}
addressType: IPv4
ports: [{{name: grpc, port: {port}}}]
endpoints: [{{addresses: ["{host}"], conditions: {{ready: true}}}}]
"""
