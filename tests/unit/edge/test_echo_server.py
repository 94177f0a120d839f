"""The echo server over real sockets: its words, its metadata, its reflection, and itself as a program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2
from grpc_servers import echo_server

from isthmus.edge.upstreams import echo
from isthmus.edge.upstreams.proto_source import compile_example
from isthmus.schema.model import Binding
from isthmus.schema.plan import make_schema

REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with echo_server() as server, grpc.insecure_channel(server.address) as opened:
        yield opened


def ask(channel: grpc.Channel, method: str, metadata: tuple[tuple[str, str], ...] = (), **fields: object):
    """The answer's text, and the call."""
    source = echo.compiled()
    service, _, name = method.partition("/")
    found = source.pool.FindServiceByName(f"proto.{service}").FindMethodByName(name)
    request, reply = (source.message(each.full_name) for each in (found.input_type, found.output_type))
    multi = channel.unary_unary(f"/proto.{method}", request.SerializeToString, reply.FromString)
    answer, call = multi.with_call(request(**fields), timeout=5, metadata=metadata)
    return answer.response, call


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [
        ("EchoService/EchoGet", {"request": "hello", "query": 666}, "GET [test-server]---> request=hello query=666"),
        ("EchoService/EchoPost", {"request": "hello", "query": 123}, "POST [test-server]---> request=hello query=123"),
        (
            "GreetService/GreetGet",
            {"request": "hello", "content": "world"},
            "Get [test-server]---> request=hello query=world",
        ),
    ],
)
def test_it_says_what_it_was_asked(channel, method, fields, expected) -> None:
    assert ask(channel, method, **fields)[0] == expected


def test_the_metadata_that_came_is_to_be_seen_in_the_answer(channel) -> None:
    sent = (("md-hello", "world"), ("http-content-type", "text/plain"), ("authorization", "secret"), ("other", "1"))
    _, call = ask(channel, "EchoService/EchoGet", sent)
    initial = dict(call.initial_metadata())
    names = initial.pop("x-got-metadata").split(",")
    assert set(names) == {"md-hello", "http-content-type", "authorization", "other", "user-agent"}
    assert initial == dict(call.trailing_metadata()) == dict(sent[:2])


def listed(address: str, version: str) -> list[str]:
    with grpc.insecure_channel(address) as channel:
        stream = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        (answer,) = stream(iter([reflection_pb2.ServerReflectionRequest(list_services="*")]), timeout=5)
        return [service.name for service in answer.list_services_response.service]


@pytest.mark.parametrize(
    ("reflection", "answering"), [("both", REFLECTION), ("v1", REFLECTION[:1]), ("v1alpha", REFLECTION[1:])]
)
def test_reflection_lists_itself_and_the_services(reflection: str, answering: tuple[str, ...]) -> None:
    with echo_server(reflection=reflection) as server:
        for service in answering:
            version = service.split(".")[2]
            assert listed(server.address, version) == sorted((*answering, *echo.SERVICES))
        for service in set(REFLECTION) - set(answering):
            with pytest.raises(grpc.RpcError) as failed:
                listed(server.address, service.split(".")[2])
            assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_without_reflection_calls_still_work() -> None:
    with echo_server(reflection="none", replica="quiet") as server, grpc.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.RpcError) as failed:
            listed(server.address, "v1")
        assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert ask(channel, "GreetService/GreetGet")[0].startswith("Get [quiet]")


@pytest.mark.parametrize("symbol", ["proto.EchoService", "proto.EchoService.EchoGet", "proto.EchoGetRequest"])
def test_reflection_answers_descriptors_with_their_comments(channel, symbol: str) -> None:
    stream = channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = stream(iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)]), timeout=5)
    files = map(FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
    comments = [
        place.leading_comments for f in files if f.name == "echo.proto" for place in f.source_code_info.location
    ]
    assert " Repeats the body.\n" in comments


def test_reflection_knows_what_is_not_there(channel) -> None:
    stream = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    wanted = ("proto.EchoService.Nothing", "proto.Nothing", "Nothing")
    requests = [reflection_pb2.ServerReflectionRequest(file_containing_symbol=name) for name in wanted]
    assert [answer.error_response.error_code for answer in stream(iter(requests), timeout=5)] == [5, 5, 5]


def test_its_rules_are_those_of_the_example() -> None:
    schema = make_schema([file.SerializeToString() for file in compile_example("echo.proto")])
    assert schema.problems == ()
    assert {method.path: method.bindings[0] for method in schema.methods} == {
        "/proto.EchoService/EchoGet": Binding("GET", "/api/v1/echo/{request}/get"),
        "/proto.EchoService/EchoPost": Binding("POST", "/api/v1/echo/post", "*"),
        "/proto.GreetService/GreetGet": Binding("GET", "/api/v1/greet/{request}"),
    }


def test_as_a_program_it_takes_a_name_and_a_version_of_reflection() -> None:
    command = [sys.executable, "-m", "isthmus.edge.upstreams.echo", "--replica", "a", "--reflection", "v1"]
    with subprocess.Popen([*command, "--exit-with-stdin"], stdin=-1, stdout=-1, stderr=-1, text=True) as running:
        word, _, address = running.stdout.readline().strip().partition(" ")
        assert word == "listening"
        assert len(listed(address, "v1")) == 3
        with grpc.insecure_channel(address) as channel:
            assert ask(channel, "EchoService/EchoGet")[0].startswith("GET [a]")
        running.stdin.close()
        assert running.wait(timeout=10) == 0
        assert running.stderr.read() == ""


def test_as_a_program_a_wrong_flag_is_wrong_usage() -> None:
    command = [sys.executable, "-m", "isthmus.edge.upstreams.echo", "--reflection", "v2"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert ran.returncode == 2
    assert "v1alpha" in ran.stderr
