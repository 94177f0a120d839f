"""The adapter as a process: orders on standard input, `ready`, private sockets, one reflection over all, the end."""

import asyncio
import json
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from adapters import library_schema, orders_in, session
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from isthmus.edge.adapter.reflection_schema import VERSIONS, reflection_pool, request_class, response_class
from isthmus.edge.adapter.server import Orders
from isthmus.edge.grpc_client.channels import Target, open_channel
from isthmus.edge.grpc_client.reflection import reflect
from isthmus.edge.upstreams import greeter, library
from isthmus.schema.model import Schema
from isthmus.schema.plan import make_schema

OWN = {f"grpc.reflection.{version}.ServerReflection" for version in VERSIONS}


class Started(NamedTuple):
    """A process under test. `other` is a schema with a file of the same name as one of the library's."""

    process: asyncio.subprocess.Process
    orders: Orders
    library: Schema
    other: Schema

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What Envoy says to the reflection service."""
        return (("x-isthmus-schemas", f"{self.library.digest},{self.other.digest},{'0' * 32}"),)


def _other() -> Schema:
    file = FileDescriptorProto.FromString(greeter.POOL.FindFileByName("helloworld.proto").serialized_pb)
    file.name = "library.proto"
    return make_schema([file.SerializeToString()])


@pytest_asyncio.fixture
async def started() -> AsyncIterator[Started]:
    library_files, other = library_schema(), _other()
    with tempfile.TemporaryDirectory(prefix="isth-") as name:
        orders = orders_in(Path(name), library_files, other)
        process = await _start((json.dumps(orders._asdict()) + "\n").encode())
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"ready\n"
        yield Started(process, orders, library_files, other)
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _start(orders: bytes) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "isthmus.app.adapter", "1")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    process.stdin.write(orders)
    await process.stdin.drain()
    return process


async def test_it_serves_and_ends_with_its_standard_input(started: Started) -> None:
    for path in (started.orders.listen, started.orders.grpc_listen):
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    where: Any = started.orders.egress
    server = library.start("unix", where)
    try:
        async with session(started.orders, started.library) as http, http.get("http://x/v1/authors") as response:
            assert response.status == 200 and "Ada Lovelace" in await response.json()
    finally:
        server.stop(0)
    async with session(started.orders, started.library) as http, http.get("http://x/v1/authors") as response:
        assert (response.status, (await response.json())["code"]) == (503, 14), "the server has gone"
    assert started.process.stdin is not None
    started.process.stdin.close()
    assert await asyncio.wait_for(started.process.wait(), 10) == 0


async def test_what_runs_may_end_after_sigterm(started: Started) -> None:
    where: Any = started.orders.egress
    server = library.start("unix", where)
    try:
        async with (
            session(started.orders, started.library) as http,
            http.get("http://x/v1/trials/count?count=3&delay_ms=300") as response,
        ):
            started.process.send_signal(signal.SIGTERM)
            assert len(await response.json()) == 3
    finally:
        server.stop(0)
    assert await asyncio.wait_for(started.process.wait(), 10) == 0


@pytest.mark.parametrize("orders", [b"x\n", b"{}\n", b'{"listen":1}\n'])
async def test_orders_that_make_no_sense(orders: bytes) -> None:
    process = await _start(orders)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 3 and said.startswith(b"Error:") and b"Traceback" not in said


async def test_a_place_where_it_cannot_listen() -> None:
    orders = Orders("/nonexistent/a", "/nonexistent/b", "/nonexistent/c", "/nonexistent")
    process = await _start((json.dumps(orders._asdict()) + "\n").encode())
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 3 and b"cannot listen" in said and b"Traceback" not in said


async def _ask(started: Started, version: str, *requests: dict[str, Any]) -> list[Any]:
    pool = reflection_pool()
    request, response = request_class(pool), response_class(pool)
    async with grpc.aio.insecure_channel(f"unix:{started.orders.grpc_listen}") as channel:
        call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )((request(**each) for each in requests), metadata=started.metadata)
        return [each async for each in call]


def _files(answer: Any) -> list[FileDescriptorProto]:
    return [FileDescriptorProto.FromString(data) for data in answer.file_descriptor_response.file_descriptor_proto]


async def test_one_reflection_over_all_schemas(started: Started) -> None:
    for version in VERSIONS:
        (answer,) = await _ask(started, version, {"list_services": ""})
        names = [each.name for each in answer.list_services_response.service]
        assert set(names) == {*started.library.services, *started.other.services, *OWN} and names == sorted(names)


async def test_files_of_one_name_do_not_mix(started: Started) -> None:
    asked = ("helloworld.Greeter", "library.v1.LibraryService.GetShelf", "helloworld.HelloRequest")
    requests = [
        each for symbol in asked for each in ({"file_containing_symbol": symbol}, {"file_by_filename": "library.proto"})
    ]
    answers = [_files(answer) for answer in await _ask(started, "v1", *requests)]
    packages = [files[0].package for files in answers]
    assert packages == ["helloworld", "helloworld", "library.v1", "library.v1", "helloworld", "helloworld"]
    names = [file.name for file in answers[2]]
    assert "google/api/annotations.proto" in names and len(set(names)) == len(names)


async def test_the_rest_of_reflection(started: Started) -> None:
    extension = {"containing_type": "google.protobuf.MethodOptions", "extension_number": 72295728}
    found, numbers, own, *errors = await _ask(
        started,
        "v1alpha",
        {"file_containing_extension": extension},
        {"all_extension_numbers_of_type": "google.protobuf.MethodOptions"},
        {"file_containing_symbol": "grpc.reflection.v1.ServerReflection"},
        {"file_containing_symbol": "no.Such"},
        {"file_by_filename": "no.proto"},
        {"all_extension_numbers_of_type": "no.Such"},
        {},
    )
    assert _files(found)[0].name == "google/api/annotations.proto"
    assert 72295728 in numbers.all_extension_numbers_response.extension_number
    assert _files(own)[0].name == "grpc/reflection/v1/reflection.proto"
    assert [each.error_response.error_code for each in errors] == [5, 5, 5, 3]


async def test_our_own_client_reads_it(started: Started) -> None:
    async with open_channel(Target(f"unix:{started.orders.grpc_listen}")) as channel:
        found = await reflect(channel, metadata=started.metadata)
    services = set(make_schema(found.files).services)
    assert "library.v1.LibraryService" in services or "helloworld.Greeter" in services


async def test_it_starts_again_where_a_killed_one_listened(started: Started) -> None:
    started.process.kill()
    await started.process.wait()
    assert Path(started.orders.listen).exists()
    again = await _start((json.dumps(started.orders._asdict()) + "\n").encode())
    assert again.stdout is not None and await asyncio.wait_for(again.stdout.readline(), 20) == b"ready\n"
    async with session(started.orders, started.library) as http, http.get("http://x/nothing") as response:
        assert response.status == 404
    _, said = await asyncio.wait_for(again.communicate(b""), 10)  # its standard input ends
    assert (again.returncode, said) == (0, b"")
