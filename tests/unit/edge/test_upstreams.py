"""The servers that stand behind a gateway in the demo and the tests, over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from isthmus.edge import pki
from isthmus.edge.upstreams import greeter, http_echo, websocket_echo
from isthmus.edge.upstreams.greeter import HelloReply, HelloRequest

MODULES = ("greeter", "websocket_echo", "http_echo")


@pytest.fixture(scope="module")
def hello() -> Iterator[greeter.Greeter]:
    server = greeter.start(replica="greeter-7")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def channel(hello) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(hello.address) as opened:
        yield opened


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory) -> tuple[tuple[str, str], bytes]:
    root = pki.authority("Test root")
    pair = pki.leaf(root, ["localhost"])
    folder = tmp_path_factory.mktemp("tls")
    files = {"chain.pem": pair.cert_pem, "key.pem": pair.key_pem}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return (str(folder / "chain.pem"), str(folder / "key.pem")), root.cert_pem


def rpc(channel: grpc.Channel, kind: str, method: str, *, timeout: float = 5, metadata=()):
    """A call of the greeter; what it takes depends on the kind."""
    multi = getattr(channel, kind)(
        f"/helloworld.Greeter/{method}", HelloRequest.SerializeToString, HelloReply.FromString
    )
    return lambda sent: multi(sent, timeout=timeout, metadata=metadata)


def names(*given: str) -> Iterator:
    return iter([HelloRequest(name=name) for name in given])


def test_unary(channel):
    reply = rpc(channel, "unary_unary", "SayHello")(HelloRequest(name="Ada"))
    assert (reply.message, reply.served_by) == ("Hello Ada", "greeter-7")


def test_server_stream(channel):
    replies = rpc(channel, "unary_stream", "SayHelloStreamReply")(HelloRequest(name="Ada", count=2))
    assert [reply.message for reply in replies] == ["Hello Ada 1", "Hello Ada 2"]


def test_client_stream(channel):
    assert rpc(channel, "stream_unary", "SayHelloStreamRequest")(names("Ada", "Grace")).message == "Hello Ada, Grace"


def test_bidirectional_stream_answers_before_the_client_has_finished(channel):
    to_send = iter(["Ada", "Grace"])
    answered = threading.Semaphore(1)

    def requests():
        for name in to_send:
            assert answered.acquire(timeout=5)
            yield HelloRequest(name=name)

    seen = []
    for reply in rpc(channel, "stream_stream", "SayHelloBidiStream")(requests()):
        seen.append(reply.message)
        answered.release()
    assert seen == ["Hello Ada", "Hello Grace"]


def test_metadata_is_echoed_as_initial_metadata_and_as_trailers(channel):
    sent = (("x-echo-text", "a"), ("x-echo-raw-bin", b"\x00\xff"), ("x-other", "b"))
    call = rpc(channel, "unary_stream", "SayHelloStreamReply", metadata=sent)(HelloRequest(count=1))
    list(call)
    assert set(call.initial_metadata()) == set(sent[:2])
    assert set(call.trailing_metadata()) == set(sent[:2])


def test_a_failure_has_the_status_and_the_trailers_that_were_asked_for(channel):
    with pytest.raises(grpc.RpcError) as failed:
        rpc(channel, "unary_unary", "SayHello", metadata=(("x-echo-a", "1"),))(HelloRequest(fail_with=9))
    assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert failed.value.details() == "asked to fail with 9"
    assert ("x-echo-a", "1") in failed.value.trailing_metadata()


def test_a_stream_fails_after_its_replies(channel):
    replies = rpc(channel, "unary_stream", "SayHelloStreamReply")(HelloRequest(name="Ada", count=1, fail_with=14))
    assert next(replies).message == "Hello Ada 1"
    with pytest.raises(grpc.RpcError) as failed:
        next(replies)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_passed_deadline_ends_the_pause_on_the_server(hello, channel):
    with pytest.raises(grpc.RpcError) as failed:
        rpc(channel, "unary_unary", "SayHello", timeout=0.1)(HelloRequest(delay_ms=60_000))
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert hello.cancelled.get(timeout=5) == "SayHello"


def test_a_cancelled_stream_is_noticed(hello, channel):
    requests = iter([HelloRequest(name="Ada", count=10_000, delay_ms=20)])
    call = rpc(channel, "stream_stream", "SayHelloBidiStream", timeout=10)(requests)
    assert next(call).message == "Hello Ada"
    call.cancel()
    assert hello.cancelled.get(timeout=5) == "SayHelloBidiStream"


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_and_describes(channel, version):
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="helloworld.Greeter"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"grpc.reflection.{version}.ServerReflection"),
    ]
    ask = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    services, schema, itself = ask(iter(asked), timeout=5)
    assert {service.name for service in services.list_services_response.service} == {
        "helloworld.Greeter",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert b"SayHelloBidiStream" in schema.file_descriptor_response.file_descriptor_proto[0]
    assert len(itself.file_descriptor_response.file_descriptor_proto) == 1


def test_greeter_over_tls(tls_files):
    files, root = tls_files
    server = greeter.start(tls=files)
    credentials = grpc.ssl_channel_credentials(root)
    address = server.address.replace("127.0.0.1", "localhost")
    with contextlib.closing(grpc.secure_channel(address, credentials)) as opened:
        assert rpc(opened, "unary_unary", "SayHello")(HelloRequest(name="Ada")).message == "Hello Ada"
    server.stop()


def test_stopping_the_greeter_lets_a_running_call_finish():
    server = greeter.start()
    with grpc.insecure_channel(server.address) as opened:
        replies = rpc(opened, "unary_stream", "SayHelloStreamReply")(HelloRequest(name="Ada", count=3, delay_ms=100))
        assert next(replies).message == "Hello Ada 1"
        server.stop()
        assert [reply.message for reply in replies] == ["Hello Ada 2", "Hello Ada 3"]


@pytest.fixture(scope="module")
def websocket() -> Iterator[websocket_echo.WebSocketEcho]:
    server = websocket_echo.start(replica="ws-3")
    yield server
    server.stop()


@pytest.mark.parametrize("message", ["héllo", b"\x00\xff", "x" * 2_000_000], ids=["text", "binary", "2 MB"])
def test_websocket_echo(websocket, message):
    with connect(f"ws://{websocket.address}/chat", max_size=None) as client:
        client.send(message)
        assert client.recv(timeout=5) == message
        assert client.response.headers["x-served-by"] == "ws-3"


def test_plain_http_on_the_websocket_path(websocket):
    status, _, body = fetch(websocket.address, "GET", "/chat?x=1")
    assert status == 200
    assert (body["path"], body["replica"]) == ("/chat?x=1", "ws-3")


def test_stopping_closes_open_websockets():
    server = websocket_echo.start()
    with connect(f"ws://{server.address}/") as client:
        server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    assert closed.value.rcvd.code == 1001


@pytest.fixture(scope="module")
def echo() -> Iterator[http_echo.HttpEcho]:
    server = http_echo.start(replica="echo-2")
    yield server
    server.stop()


def fetch(address: str, method: str, path: str, body=None, headers=None):
    """Status, fields and the JSON that came back."""
    connection = http.client.HTTPConnection(address, timeout=5)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {}, encode_chunked=isinstance(body, Iterator))
        response = connection.getresponse()
        content = response.read()
        return response.status, response.headers, json.loads(content) if content else None


def test_http_echo_answers_with_what_it_received(echo):
    status, fields, body = fetch(echo.address, "PUT", "/a%2Fb?x=1&x=2", b"hi", {"X-Twice": "1", "Host": "a.example"})
    assert (status, fields["x-served-by"]) == (200, "echo-2")
    pairs = body.pop("headers")
    assert ["X-Twice", "1"] in pairs
    assert ["Host", "a.example"] in pairs
    assert body == {
        "method": "PUT",
        "path": "/a%2Fb",
        "query": "x=1&x=2",
        "body": "hi",
        "replica": "echo-2",
        "http_version": "HTTP/1.1",
        "tls": None,
    }


def test_a_chunked_request_body_is_put_together(echo):
    chunked = {"Transfer-Encoding": "chunked"}
    assert fetch(echo.address, "POST", "/", iter([b"one ", b"two"]), chunked)[2]["body"] == "one two"


@pytest.mark.parametrize(("method", "status"), [("GET", 503), ("GET", 204), ("HEAD", 200), ("PURGE", 201)])
def test_status_and_method_as_asked(echo, method, status):
    got, _, body = fetch(echo.address, method, f"/?status={status}")
    assert got == status
    assert (body is None) == (status == 204 or method == "HEAD")


def test_one_connection_serves_many_requests(echo):
    with contextlib.closing(http.client.HTTPConnection(echo.address, timeout=5)) as connection:
        for _ in range(3):
            connection.request("GET", "/")
            connection.getresponse().read()
            kept = connection.sock
            assert kept is not None
        assert connection.sock is kept


def test_a_delay_comes_before_the_first_byte(echo):
    started = time.monotonic()
    assert fetch(echo.address, "GET", "/?delay_ms=150")[0] == 200
    assert time.monotonic() - started >= 0.15


def test_chunks_arrive_one_by_one(echo):
    with contextlib.closing(http.client.HTTPConnection(echo.address, timeout=5)) as connection:
        connection.request("GET", "/?chunks=3&interval_ms=100")
        response = connection.getresponse()
        started = time.monotonic()
        assert json.loads(response.readline())["query"] == "chunks=3&interval_ms=100"
        assert json.loads(response.readline()) == {"chunk": 1}
        assert json.loads(response.readline()) == {"chunk": 2}
        assert time.monotonic() - started >= 0.15
        assert response.read() == b""


def test_http_echo_over_tls(tls_files):
    files, root = tls_files
    server = http_echo.start(tls=files)
    context = ssl.create_default_context(cadata=root.decode())
    port = int(server.address.rpartition(":")[2])
    with contextlib.closing(http.client.HTTPSConnection("localhost", port, context=context, timeout=5)) as connection:
        connection.request("GET", "/")
        assert json.loads(connection.getresponse().read())["tls"] == "TLSv1.3"
    server.stop()


def test_stopping_ends_idle_connections_and_lets_a_running_request_finish():
    server = http_echo.start()
    idle, busy = (http.client.HTTPConnection(server.address, timeout=5) for _ in range(2))
    with contextlib.closing(idle), contextlib.closing(busy):
        idle.request("GET", "/")
        idle.getresponse().read()
        busy.request("GET", "/?chunks=2&interval_ms=60000")
        response = busy.getresponse()
        response.readline()
        server.stop()
        assert json.loads(response.read()) == {"chunk": 1}
        assert idle.sock.recv(1) == b""


@pytest.mark.parametrize("module", [greeter, websocket_echo, http_echo], ids=MODULES)
def test_a_port_in_use_is_an_error_with_a_reason(module):
    server = module.start()
    try:
        with pytest.raises(OSError, match=r"in use|bind"):
            module.start(port=int(server.address.rpartition(":")[2]))
    finally:
        server.stop()


def program(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"isthmus.edge.upstreams.{module}", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("end", ["SIGTERM", "end of input"])
def test_as_a_program_it_says_where_it_listens_and_stops_when_told(module, end):
    with program(module, "--exit-with-stdin") as running:
        word, _, address = running.stdout.readline().strip().partition(" ")
        assert word == "listening"
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5):
            pass
        if end == "SIGTERM":
            running.send_signal(signal.SIGTERM)
        else:
            running.stdin.close()
        assert running.wait(timeout=10) == 0
        assert running.stderr.read() == ""


def test_as_a_program_a_port_in_use_is_one_line_and_no_traceback(echo):
    with program("http_echo", "--port", echo.address.rpartition(":")[2]) as running:
        assert running.wait(timeout=10) == 3
        said = running.stderr.read()
    assert said.startswith(f"Error: cannot serve on {echo.address}: ")
    assert said.count("\n") == 1


def test_nothing_is_said_when_whoever_started_it_is_gone() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "isthmus.edge.upstreams.http_echo"], stdout=writer, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
