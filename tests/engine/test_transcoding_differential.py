"""What the gateway makes of JSON and messages is what protobuf's own json_format makes of them, in both directions.

Many random message types are in one schema; hypothesis makes up the messages. Unary methods go through Envoy's
transcoder, streams through the adapter. Where JSON
is read otherwise, docs/json.md says so and the table at the end pins it.
"""

from __future__ import annotations

import http.client
import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from gateways import SECONDS, Gateway, ask_with_body
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from grpc_servers import library_server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from many_types import many_types
from random_schemas import random_message

from isthmus.edge.message_classes import classes_in

TYPES = 40
SETTINGS = settings(
    max_examples=400, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


class World(NamedTuple):
    """A gateway with one connection to it, and a server that keeps what it got and sends what it is told to."""

    pool: DescriptorPool
    connection: http.client.HTTPConnection
    heard: list[bytes]
    answers: list[bytes]

    def call(self, method: str, body: str, *answers: Message) -> tuple[int, bytes]:
        """Status and body of the answer; `heard` holds what the server got, `answers` is what it sends."""
        self.heard.clear()
        self.answers[:] = [answer.SerializeToString() for answer in answers]
        self.connection.request("POST", f"/many.S/{method}", body.encode(), {"content-type": "application/json"})
        response = self.connection.getresponse()
        return response.status, response.read()

    def got(self, kind: type[Message]) -> bytes:
        """What the server got, in the form of `exact`."""
        (body,) = self.heard
        return self.exact(kind.FromString(body))

    def exact(self, message: Message) -> bytes:
        """Bytes that tell zero from minus zero, but not one NaN from another, nor ways to write what is in an Any."""
        plain = json_format.MessageToDict(message, descriptor_pool=self.pool)
        read = json_format.ParseDict(plain, type(message)(), descriptor_pool=self.pool)
        return read.SerializeToString(deterministic=True)

    def check(self, said: Any, message: Message) -> None:
        """Whether that JSON is the message: read back it is the same to the last bit, and it is written alike."""
        read = json_format.ParseDict(said, type(message)(), descriptor_pool=self.pool)
        assert self.exact(read) == self.exact(message), said
        expected = as_numbers(json_format.MessageToJson(message, descriptor_pool=self.pool))
        assert alike(said, expected), (said, expected)


def as_numbers(text: str | bytes) -> Any:
    """Parsed JSON; every number is a float, because Envoy writes minus zero as -0."""
    return json.loads(text, parse_int=float)


_SMALLEST = 1.5e-45  # the step between the smallest floats of 32 bits, which few digits tell apart


def alike(one: Any, other: Any) -> bool:
    """The same JSON. A float has more than one shortest decimal: how exact they are is checked by reading them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=_SMALLEST)
    return type(one) is type(other) and bool(one == other)


class Handler(grpc.GenericRpcHandler):
    """Any method, in bytes."""

    def __init__(self, heard: list[bytes], answers: list[bytes]) -> None:
        self._heard, self._answers = heard, answers

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method.startswith("/many.S/Watch"):
            return grpc.unary_stream_rpc_method_handler(self._watch)
        return grpc.unary_unary_rpc_method_handler(self._echo) if call.method.startswith("/many.S/") else None

    def _echo(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        self._heard.append(request)
        return self._answers[0]

    def _watch(self, request: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
        self._heard.append(request)
        yield from self._answers


@pytest.fixture(scope="module", params=[1, 2], ids="schema {}".format)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    descriptors = many_types(request.param, TYPES)
    protoset: Path = tmp_path_factory.mktemp("many") / "many.binpb"
    protoset.write_bytes(descriptors.SerializeToString())
    pool = DescriptorPool()
    for file in descriptors.file:
        pool.AddSerializedFile(file.SerializeToString())
    heard: list[bytes] = []
    answers: list[bytes] = []
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Handler(heard, answers),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with Gateway([], {}, address, "--protoset", str(protoset), "--explorer-port", "0") as gateway:
            connection = http.client.HTTPConnection("127.0.0.1", gateway.http_port, timeout=SECONDS)
            kept = classes_in(pool, [file.name for file in descriptors.file])  # the server has threads
            yield World(pool, connection, heard, answers)
            del kept
            connection.close()
    finally:
        server.stop(0).wait()


@st.composite
def cases(draw: st.DrawFn, pool: DescriptorPool, count: int) -> tuple[int, list[Message]]:
    """The number of a type and messages of it."""
    number = draw(st.integers(0, TYPES - 1))
    descriptor = pool.FindMessageTypeByName(f"many.T{number}")
    return number, [random_message(draw, descriptor) for _ in range(count)]


def test_unary_methods_through_envoy(world):
    @given(st.data())
    @SETTINGS
    def run(data: st.DataObject) -> None:
        number, (sent, answer) = data.draw(cases(world.pool, 2))
        body = json_format.MessageToJson(sent, descriptor_pool=world.pool)
        status, said = world.call(f"Echo{number}", body, answer)
        assert status == 200, (said, body)
        assert world.got(type(sent)) == world.exact(sent), body
        world.check(as_numbers(said), answer)

    run()


def test_streams_through_the_adapter(world):
    @given(st.data())
    @SETTINGS
    def run(data: st.DataObject) -> None:
        number, (sent, *answers) = data.draw(cases(world.pool, 3))
        body = json_format.MessageToJson(sent, descriptor_pool=world.pool)
        status, said = world.call(f"Watch{number}", body, *answers)
        assert status == 200, (said, body)
        assert world.got(type(sent)) == world.exact(sent), body
        for each, answer in zip(as_numbers(said), answers, strict=True):
            world.check(each, answer)

    run()


NO_ANSWER = "400"
# What the caller sends; what the transcoder (a unary method) and the adapter (a stream) make of it, as JSON, or 400.
DIFFERENCES: dict[str, tuple[str, Any, Any]] = {
    "unknown field": ('{"nope": 1}', {}, {}),
    "unknown field inside": ('{"nested": {"nope": 1}}', {"nested": {}}, {"nested": {}}),
    "no body": ("", {}, {}),
    "list for a message": ('{"nested": []}', NO_ANSWER, NO_ANSWER),
    "list for everything": ("[]", NO_ANSWER, NO_ANSWER),
    "unknown enum name": ('{"genre": "NOPE"}', NO_ANSWER, {}),
    "exponent in a string": ('{"int64Value": "1e3"}', NO_ANSWER, {"int64Value": "1000"}),
    "quoted boolean": ('{"boolValue": "true"}', {"boolValue": True}, NO_ANSWER),
    "rubbish after base64": ('{"data": "AP+A*"}', NO_ANSWER, {"data": "AP+A"}),
    "null in a list": ('{"texts": [null]}', {}, NO_ANSWER),
    "one for a list": ('{"texts": "one"}', {"texts": ["one"]}, NO_ANSWER),
    "null in a map": ('{"labels": {"a": null}}', {"labels": {"a": ""}}, NO_ANSWER),
    "a field twice": ('{"text": "a", "text": "b"}', {"text": "b"}, NO_ANSWER),
    "single quotes": ("{'text': 'a'}", {"text": "a"}, NO_ANSWER),
    "no quotes": ('{text: "a"}', {"text": "a"}, NO_ANSWER),
    "trailing comma": ('{"text": "a",}', {"text": "a"}, NO_ANSWER),
    "largest float, rounded up": ('{"floatValue": 3.4028235e38}', {"floatValue": 3.40282347e38}, NO_ANSWER),
    "too many digits of a second": ('{"span": "1.0000000001s"}', NO_ANSWER, {"span": "1s"}),
    "mask in snake case": ('{"mask": "a_b"}', {"mask": "aB"}, NO_ANSWER),
    "wrapper as a message": ('{"int64Wrapper": {"value": "5"}}', {"int64Wrapper": "5"}, NO_ANSWER),
}


@pytest.fixture(scope="module")
def mirror() -> Iterator[int]:
    """The port of a gateway before the library."""
    with library_server() as server, Gateway([], {}, server.address, "--explorer-port", "0") as gateway:
        yield gateway.http_port


@pytest.mark.parametrize(("body", "envoy", "adapter"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences_are_the_known_ones(mirror, body, envoy, adapter):
    for header, expected in ((None, envoy), ("connect-protocol-version", adapter)):
        headers = {"content-type": "application/json", **({header: "1"} if header else {})}
        said = ask_with_body(mirror, "any", "/library.v1.TrialService/Mirror", body.encode(), headers)
        if expected == NO_ANSWER:
            assert said.status == 400, said.body
        else:
            assert (said.status, json.loads(said.body)) == (200, expected)
