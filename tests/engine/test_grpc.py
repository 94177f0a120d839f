"""gRPC through the gateway, with real clients: call kinds, metadata, deadlines, cancellation, balancing, grpcurl."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from gateways import Gateway, greeters

from isthmus.edge import pki
from isthmus.edge.upstreams.greeter import HelloReply, HelloRequest

AUTHORITY = pki.authority("Test CA")
MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {ports: [{name: grpc, port: 50051}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: greeter
  annotations:
    nginx.ingress.kubernetes.io/backend-protocol: GRPC
spec:
  ingressClassName: nginx
  tls: [{hosts: [demo.kubesre.com], secretName: pair}]
  rules:
    - host: demo.kubesre.com
      http: &web {paths: [{path: /, pathType: Prefix, backend: {service: {name: greeter, port: {name: grpc}}}}]}
    - {host: clear.test, http: *web}
"""
REPLICAS = ("greeter-1", "greeter-2", "greeter-3")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("grpc")
    (folder / "ingress.yaml").write_text(MANIFESTS)
    pair = pki.leaf(AUTHORITY, ["demo.kubesre.com"])
    (folder / "secret.yaml").write_text(pki.secret_manifest("default", "pair", pair))
    with (
        greeters(*REPLICAS) as addresses,
        Gateway([folder], {"default/greeter:50051": list(addresses.values())}) as running,
    ):
        yield running


@pytest.fixture(scope="module", params=["h2c", "tls"])
def channel(request: pytest.FixtureRequest, gateway: Gateway) -> Iterator[grpc.Channel]:
    if request.param == "h2c":
        options = [("grpc.default_authority", "clear.test")]
        made = grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options)
    else:
        credentials = grpc.ssl_channel_credentials(AUTHORITY.cert_pem)
        options = [("grpc.ssl_target_name_override", "demo.kubesre.com")]
        made = grpc.secure_channel(f"127.0.0.1:{gateway.https_port}", credentials, options)
    with made:
        yield made


def method(channel: grpc.Channel, name: str, kind: str = "unary_unary") -> Any:
    return getattr(channel, kind)(
        f"/helloworld.Greeter/{name}",
        request_serializer=HelloRequest.SerializeToString,
        response_deserializer=HelloReply.FromString,
    )


def test_unary(channel: grpc.Channel) -> None:
    assert method(channel, "SayHello")(HelloRequest(name="you"), timeout=10).message == "Hello you"


def test_server_streaming(channel: grpc.Channel) -> None:
    call = method(channel, "SayHelloStreamReply", "unary_stream")
    assert [r.message for r in call(HelloRequest(name="n", count=3), timeout=10)] == [f"Hello n {n}" for n in (1, 2, 3)]


def test_client_streaming(channel: grpc.Channel) -> None:
    call = method(channel, "SayHelloStreamRequest", "stream_unary")
    assert call(iter([HelloRequest(name="a"), HelloRequest(name="b")]), timeout=10).message == "Hello a, b"


def test_bidirectional_streaming_is_a_conversation(channel: grpc.Channel) -> None:
    said: collections.deque[Any] = collections.deque([HelloRequest(name="one")])
    more = threading.Semaphore(1)

    def requests() -> Iterator[Any]:
        while more.acquire(timeout=10) and said:
            yield said.popleft()

    answers = method(channel, "SayHelloBidiStream", "stream_stream")(requests(), timeout=20)
    assert next(answers).message == "Hello one"  # before anything else was sent
    said.append(HelloRequest(name="two"))
    more.release()
    assert next(answers).message == "Hello two"
    more.release()
    assert list(answers) == []


def test_metadata_and_trailers_both_kinds(channel: grpc.Channel) -> None:
    sent = (("x-echo-text", "value"), ("x-echo-data-bin", b"\x00\xff\x80"))
    _, call = method(channel, "SayHello").with_call(HelloRequest(name="m"), metadata=sent, timeout=10)
    for received in (dict(call.initial_metadata()), dict(call.trailing_metadata())):
        assert received["x-echo-text"] == "value"
        assert received["x-echo-data-bin"] == b"\x00\xff\x80"


def test_a_status_comes_through(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        method(channel, "SayHello")(HelloRequest(fail_with=5), timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "asked to fail with 5"


def test_a_deadline_ends_the_call(channel: grpc.Channel) -> None:
    """The server gives up at the same moment and resets its stream, which may win the race: so, a few calls."""
    codes = set()
    for _ in range(5):
        with pytest.raises(grpc.RpcError) as caught:
            method(channel, "SayHello")(HelloRequest(delay_ms=30_000), timeout=0.3)
        codes.add(caught.value.code())
    assert grpc.StatusCode.DEADLINE_EXCEEDED in codes
    assert codes <= {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL}


def test_a_cancelled_stream_ends(channel: grpc.Channel) -> None:
    call = method(channel, "SayHelloStreamReply", "unary_stream")(HelloRequest(count=1000, delay_ms=20))
    next(call)
    call.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() is grpc.StatusCode.CANCELLED


def test_one_connection_is_balanced_per_request(channel: grpc.Channel) -> None:
    say = method(channel, "SayHello")
    served = collections.Counter(say(HelloRequest(name="b"), timeout=10).served_by for _ in range(90))
    assert set(served) == set(REPLICAS)
    assert max(served.values()) <= 45


def test_an_unknown_host_is_unimplemented(gateway: Gateway) -> None:
    options = [("grpc.default_authority", "nobody.test")]
    target = f"127.0.0.1:{gateway.http_port}"
    with grpc.insecure_channel(target, options) as channel, pytest.raises(grpc.RpcError) as caught:
        method(channel, "SayHello")(HelloRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_cleartext_to_a_tls_host_is_told(gateway: Gateway) -> None:
    options = [("grpc.default_authority", "demo.kubesre.com")]
    target = f"127.0.0.1:{gateway.http_port}"
    with grpc.insecure_channel(target, options) as channel, pytest.raises(grpc.RpcError) as caught:
        method(channel, "SayHello")(HelloRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert f"connect with TLS to port {gateway.https_port}" in caught.value.details()


GRPCURL = str(Path(sys.executable).with_name("grpcurl"))


def test_the_article_s_grpcurl_line_works(gateway: Gateway) -> None:
    argv = [GRPCURL, "-insecure", "-authority", "demo.kubesre.com", f"127.0.0.1:{gateway.https_port}", "list"]
    listed = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    expected = {"grpc.reflection.v1alpha.ServerReflection", "helloworld.Greeter"}
    assert set(listed) - {"grpc.reflection.v1.ServerReflection"} == expected


def test_grpcurl_calls_in_clear(gateway: Gateway) -> None:
    argv = [GRPCURL, "-plaintext", "-authority", "clear.test", "-d", '{"name": "grpcurl"}']
    argv += [f"127.0.0.1:{gateway.http_port}", "helloworld.Greeter/SayHello"]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    assert json.loads(said)["message"] == "Hello grpcurl"
