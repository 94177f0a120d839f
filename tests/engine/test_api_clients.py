"""One unmodified gRPC server, called by clients of every protocol that Envoy serves itself."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
from collections.abc import Iterator

import grpc
import pytest
from gateways import Answer, Gateway, ask_with_body, greeters

from isthmus.edge.upstreams.greeter import HelloReply, HelloRequest

HELLO = "/helloworld.Greeter/SayHello"
JSON = {"content-type": "application/json"}
PROTO = {"content-type": "application/proto"}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    options = ("--explorer-port", "0", "--header", "x-echo-*")
    with greeters("greeter-1") as servers, Gateway([], {}, servers["greeter-1"], *options) as running:
        yield running


def post(gateway: Gateway, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    return ask_with_body(gateway.http_port, "any.test", path, body, headers)


def framed(message: bytes, flag: int = 0) -> bytes:
    return struct.pack(">BI", flag, len(message)) + message


def frames(body: bytes) -> list[tuple[int, bytes]]:
    found = []
    while body:
        flag, size = struct.unpack(">BI", body[:5])
        found.append((flag, body[5 : 5 + size]))
        body = body[5 + size :]
    return found


def test_json_on_the_rpc_path(gateway):
    answer = post(gateway, HELLO, b'{"name": "Ada"}', JSON)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == {"message": "Hello Ada", "servedBy": "greeter-1"}


REST_FAILURES = {
    "the server's own": (HELLO, b'{"failWith": 5}', 404, 5, "asked to fail with 5"),
    "unauthenticated": (HELLO, b'{"failWith": 16}', 401, 16, "asked to fail with 16"),
    "cut off": (HELLO, b'{"name":', 400, 3, "Unexpected end"),
    "wrong type": (HELLO, b'{"count": "many"}', 400, 3, "count"),
    "no such method": ("/helloworld.Greeter/Nope", b"{}", 404, 5, "Could not resolve"),
    "no such path": ("/nope", b"{}", 404, 5, "Could not resolve"),
    "unknown parameter": (HELLO + "?nope=1", b"{}", 400, 3, "nope"),
}


@pytest.mark.parametrize(("path", "body", "status", "code", "says"), REST_FAILURES.values(), ids=REST_FAILURES)
def test_rest_callers_read_google_rpc_status(gateway, path, body, status, code, says):
    answer = post(gateway, path, body, JSON)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    read = json.loads(answer.body)
    assert read["code"] == code
    assert says in read["message"]


def test_grpc(gateway):
    with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}") as channel:
        hello = channel.unary_unary(HELLO, HelloRequest.SerializeToString, HelloReply.FromString)
        assert hello(HelloRequest(name="Ada"), timeout=5).message == "Hello Ada"
        with pytest.raises(grpc.RpcError) as failed:
            hello(HelloRequest(name="Ada", fail_with=5), timeout=5)
        assert failed.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
def test_grpc_web(gateway, text):
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    body = framed(HelloRequest(name="Ada").SerializeToString())
    sent = base64.b64encode(body) if text else body
    answer = post(gateway, HELLO, sent, {"content-type": kind, "accept": kind, "x-grpc-web": "1"})
    read = base64.b64decode(answer.body) if text else answer.body
    (_, message), (flag, trailers) = frames(read)
    assert HelloReply.FromString(message).message == "Hello Ada"
    assert flag == 0x80
    assert b"grpc-status:0" in trailers


def test_connect_with_protobuf(gateway):
    answer = post(gateway, HELLO, HelloRequest(name="Ada").SerializeToString(), PROTO)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/proto")
    assert HelloReply.FromString(answer.body).message == "Hello Ada"


def test_connect_errors_are_connects(gateway):
    answer = post(gateway, HELLO, HelloRequest(fail_with=5).SerializeToString(), PROTO)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert json.loads(answer.body) == {"code": "not_found", "message": "asked to fail with 5"}


def test_connect_streams_with_protobuf(gateway):
    body = framed(HelloRequest(name="Ada").SerializeToString())
    answer = post(gateway, HELLO + "StreamReply", body, {"content-type": "application/connect+proto"})
    *messages, (flag, end) = frames(answer.body)
    assert [HelloReply.FromString(message).message for _, message in messages] == [
        "Hello Ada 1",
        "Hello Ada 2",
        "Hello Ada 3",
    ]
    assert (flag, json.loads(end)) == (2, {})


def test_only_listed_headers_become_metadata(gateway):
    answer = post(gateway, HELLO, b"{}", {**JSON, "x-echo-one": "1", "cookie": "x-echo=2"})
    assert answer.headers["x-echo-one"] == "1"
    with greeters("strict") as servers, Gateway([], {}, servers["strict"], "--explorer-port", "0") as other:
        assert post(other, HELLO, b"{}", {**JSON, "x-echo-one": "1"}).headers["x-echo-one"] is None


@pytest.mark.parametrize(("origin", "allowed"), [("http://localhost:5173", True), ("http://evil.test", False)])
def test_pages_of_this_machine_may_call(gateway, origin, allowed):
    asked = {"origin": origin, "access-control-request-method": "POST"}
    preflight = gateway.get("any.test", HELLO, method="OPTIONS", headers=asked)
    assert preflight.headers["access-control-allow-origin"] == (origin if allowed else None)
    answer = post(gateway, HELLO, b"{}", {**JSON, "origin": origin})
    assert answer.headers["access-control-allow-origin"] == (origin if allowed else None)


def test_pages_may_send_what_becomes_metadata():
    options = ("--explorer-port", "0", "--header", "*")
    asked = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
    with greeters("open") as servers, Gateway([], {}, servers["open"], *options) as gateway:
        preflight = gateway.get("any.test", HELLO, method="OPTIONS", headers=asked)
        names = (preflight.headers["access-control-allow-headers"] or "").split(",")
        assert {"authorization", "*"} <= set(names)  # a star does not stand for authorization


def test_pages_may_read_what_metadata_become(gateway):
    answer = post(gateway, HELLO, b"{}", {**JSON, "origin": "http://localhost:5173"})
    assert "*" in (answer.headers["access-control-expose-headers"] or "").split(",")


def test_no_healthy_backend_is_said_in_every_protocol():
    with contextlib.ExitStack() as stack:
        with greeters("short-lived") as servers:
            gateway = stack.enter_context(Gateway([], {}, servers["short-lived"], "--explorer-port", "0"))
        # the server has gone
        rest = post(gateway, HELLO, b"{}", JSON)
        assert (rest.status, json.loads(rest.body)["code"]) == (503, 14)
        connect = post(gateway, HELLO, b"", PROTO)
        assert (connect.status, json.loads(connect.body)["code"]) == (503, "unavailable")
        web = post(gateway, HELLO, framed(b""), {"content-type": "application/grpc-web+proto"})
        assert web.headers["grpc-status"] == "14"
        with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}") as channel, pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary(HELLO)(b"", timeout=5)
        assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
