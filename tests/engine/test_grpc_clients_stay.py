"""Clients of gRPC backends with the cookie of affinity: each stays on an endpoint of its own, whatever it speaks, also
where many of them share a connection."""

from __future__ import annotations

import contextlib
import http.cookies
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from gateways import Gateway, ask_with_body, greeters

from isthmus.edge.upstreams.greeter import HelloReply, HelloRequest

HELLO = "/helloworld.Greeter/SayHello"
MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {ports: [{name: grpc, port: 50051}]}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: %(name)s
  annotations: {nginx.ingress.kubernetes.io/affinity: cookie, %(more)s}
spec:
  ingressClassName: nginx
  rules:
    - host: %(name)s.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: greeter, port: {name: grpc}}}}]}
"""
HOSTS = {
    "plain": 'nginx.ingress.kubernetes.io/backend-protocol: "GRPC"',
    "api": 'isthmus.dev/transcode: "true"',
    "kept": 'isthmus.dev/transcode: "true", nginx.ingress.kubernetes.io/affinity-mode: persistent',
}
REPLICAS = ("greeter-1", "greeter-2", "greeter-3")
# Who answers a request with these cookies, and the cookies that it sets.
Ask = Callable[[str], tuple[str, list[str]]]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("grpc-stay")
    text = MANIFESTS + "".join(INGRESS % {"name": name, "more": more} for name, more in HOSTS.items())
    (folder / "all.yaml").write_text(text)
    with greeters(*REPLICAS) as found, Gateway([folder], {"default/greeter": list(found.values())}) as running:
        assert running.wait_for_routes_of_api()["schema"]
        yield running


@contextlib.contextmanager
def grpc_of(gateway: Gateway, host: str) -> Iterator[Ask]:
    """Over one connection for all clients."""
    options = [("grpc.default_authority", host)]
    with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options) as channel:
        call = channel.unary_unary(
            HELLO, request_serializer=HelloRequest.SerializeToString, response_deserializer=HelloReply.FromString
        )

        def asked(cookies: str) -> tuple[str, list[str]]:
            metadata = [("cookie", cookies)] if cookies else []
            reply, done = call.with_call(HelloRequest(name="a"), metadata=metadata, timeout=20)
            headers = done.initial_metadata()
            return reply.served_by, [str(value) for name, value in headers if name == "set-cookie"]

        yield asked


@contextlib.contextmanager
def rest_of(gateway: Gateway, host: str) -> Iterator[Ask]:
    def asked(cookies: str) -> tuple[str, list[str]]:
        headers = {"content-type": "application/json"} | ({"cookie": cookies} if cookies else {})
        answer = ask_with_body(gateway.http_port, host, HELLO, b'{"name": "a"}', headers)
        return json.loads(answer.body)["servedBy"], answer.headers.get_all("set-cookie", [])

    yield asked


@pytest.mark.parametrize(
    ("host", "of"),
    [
        ("plain.test", grpc_of),
        ("api.test", grpc_of),
        ("api.test", rest_of),
        ("kept.test", grpc_of),
        ("kept.test", rest_of),
    ],
)
def test_each_client_stays_on_an_endpoint_of_its_own(gateway: Gateway, host: str, of: Callable[..., object]) -> None:
    with of(gateway, host) as asked:  # type: ignore[attr-defined]
        clients = []
        for _ in range(40):
            replica, made = asked("")
            (cookie,) = made
            clients.append((replica, cookie.partition(";")[0]))
        assert len({replica for replica, _ in clients}) == len(REPLICAS)
        assert [asked(cookie) for _, cookie in clients] == [(replica, []) for replica, _ in clients]


def test_a_client_stays_whatever_it_speaks(gateway: Gateway) -> None:
    with grpc_of(gateway, "api.test") as over_grpc, rest_of(gateway, "api.test") as over_http:
        for _ in range(10):
            replica, (made,) = over_http("")
            cookie = made.partition(";")[0]
            assert (over_grpc(cookie), over_http(cookie)) == ((replica, []), (replica, []))


def test_what_the_cookie_says(gateway: Gateway) -> None:
    with grpc_of(gateway, "plain.test") as asked:
        _, (made,) = asked("")
    cookie = http.cookies.SimpleCookie(made)["INGRESSCOOKIE"]
    assert (cookie["path"], cookie["httponly"]) == ("/", True)
