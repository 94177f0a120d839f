"""Everything that a server describes is collected, by either version, and what it cannot describe is named."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_servers import library_server
from reflecting import catalogue, channel_to, error, file, files, reflecting, services

from isthmus.edge.grpc_client.reflection import ReflectionError, list_services, reflect
from isthmus.schema.assembly import assemble
from isthmus.schema.model import Problem


def names(bodies: tuple[bytes, ...]) -> set[str]:
    return {FileDescriptorProto.FromString(body).name for body in bodies}


@pytest.mark.parametrize("versions", ["v1", "v1alpha", "both"])
async def test_both_versions(versions):
    with library_server(reflection=versions) as server:
        async with channel_to(server.address) as channel:
            found = await reflect(channel)
    assert found.version == ("v1alpha" if versions == "v1alpha" else "v1")
    assert "library.v1.LibraryService" in found.services
    assert found.problems == ()
    wanted = [name for name in found.services if not name.startswith("grpc.")]
    made = assemble(found.files, wanted)
    assert (set(made.services), made.problems) == (set(wanted), ())


async def test_no_reflection():
    with library_server(reflection="none") as server:
        async with channel_to(server.address) as channel:
            with pytest.raises(ReflectionError, match="neither v1 nor v1alpha") as none:
                await reflect(channel)
    assert none.value.kind == "unimplemented"


async def test_nobody_there():
    async with channel_to("127.0.0.1:1") as channel:
        with pytest.raises(ReflectionError) as nobody:
            await reflect(channel)
    assert nobody.value.kind == "unreachable"


async def test_imports_are_followed_to_the_end():
    script = catalogue(
        a=file("a.proto", "b.proto"), b=file("b.proto", "c.proto", "google/protobuf/any.proto"), c=file("c.proto")
    )

    def only_a(request, context):
        return (services("a.Service"),) if request.list_services else script(request, context)

    with reflecting(only_a) as address:
        async with channel_to(address) as channel:
            found = await reflect(channel)
    assert names(found.files) == {"a.proto", "b.proto", "c.proto"}
    assert found.problems == ()


async def test_what_is_missing_is_named_and_the_rest_goes_on():
    script = catalogue(a=file("a.proto", "gone.proto"), b=file("b.proto"))

    def with_a_lie(request, context):
        return (
            (services("lie.Service", "a.Service", "b.Service"),) if request.list_services else script(request, context)
        )

    with reflecting(with_a_lie) as address:
        async with channel_to(address) as channel:
            found = await reflect(channel)
    assert names(found.files) == {"a.proto", "b.proto"}
    assert set(found.problems) == {
        Problem("missing-service", "lie.Service", "no lie"),
        Problem("missing-file", "gone.proto", "no gone"),
    }


async def test_only_some_services():
    with reflecting(catalogue(a=file("a.proto"), b=file("b.proto"))) as address:
        async with channel_to(address) as channel:
            found = await reflect(channel, services=["b.Service"])
    assert names(found.files) == {"b.proto"}


async def test_a_server_that_ends_the_stream_instead_of_answering_no():
    script = catalogue(a=file("a.proto"), b=file("b.proto"))

    def abrupt(request, context):
        if request.list_services:
            return (services("a.Service", "lie.Service", "b.Service"),)
        if request.file_containing_symbol == "lie.Service":
            context.abort(grpc.StatusCode.NOT_FOUND, "never\x1b[2J heard of it")
        return script(request, context)

    with reflecting(abrupt) as address:
        async with channel_to(address) as channel:
            found = await reflect(channel)
    assert names(found.files) == {"a.proto", "b.proto"}
    assert found.problems == (Problem("missing-service", "lie.Service", "never\\x1b[2J heard of it"),)


@pytest.mark.parametrize("per_stream", [1, 2])
async def test_a_server_that_ends_the_stream_after_some_answers(per_stream):
    contents = {name: file(f"{name}.proto") for name in "abcdef"}
    with reflecting(catalogue(**contents), per_stream=per_stream) as address:
        async with channel_to(address) as channel:
            found = await reflect(channel)
    assert (len(found.files), found.problems) == (6, ())


async def test_metadata_and_refusals():
    script = catalogue(a=file("a.proto"))

    def guarded(request, context):
        if ("authorization", "Bearer x") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")
        return script(request, context)

    with reflecting(guarded) as address:
        async with channel_to(address) as channel:
            with pytest.raises(ReflectionError, match="UNAUTHENTICATED: who are you") as refused:
                await reflect(channel)
            assert refused.value.kind == "refused"
            assert (await reflect(channel, metadata=[("authorization", "Bearer x")])).services == ("a.Service",)


async def test_a_list_that_is_refused():
    with reflecting(lambda *_: (error(7, "not for you"),)) as address:
        async with channel_to(address) as channel:
            with pytest.raises(ReflectionError, match="does not list its services: not for you") as refused:
                await list_services(channel)
    assert refused.value.kind == "protocol"


async def test_names_that_no_service_can_have_are_left_out_and_named():
    bad = ("\x1b]0;owned\x07", "a b", "", ".a", "a..b", "x" * 2_000)
    with reflecting(lambda *_: (services("good.Service", *bad),)) as address:
        async with channel_to(address) as channel:
            found = await list_services(channel)
    assert found.services == ("good.Service",)
    assert len(found.problems) == len(bad)
    assert all(each.where.isprintable() and len(each.where) < 400 for each in found.problems)


async def test_a_service_named_twice_is_one():
    asked = []
    script = catalogue(a=file("a.proto"))

    def twice(request, context):
        asked.append(request.file_containing_symbol)
        return (services("a.Service", "a.Service"),) if request.list_services else script(request, context)

    with reflecting(twice) as address:
        async with channel_to(address) as channel:
            assert (await reflect(channel)).services == ("a.Service",)
    assert asked == ["", "a.Service"]


@pytest.mark.parametrize("answer", [b"\xff\xff\xff", b"", files(), b"not protobuf at all"])
async def test_an_answer_that_is_none(answer):
    with reflecting(lambda *_: (answer,)) as address:
        async with channel_to(address) as channel:
            with pytest.raises(ReflectionError, match="no reflection message") as wrong:
                await reflect(channel)
    assert wrong.value.kind == "protocol"


async def test_giving_up_leaves_the_channel_usable():
    with library_server() as server:
        async with channel_to(server.address) as channel:
            asking = asyncio.ensure_future(reflect(channel))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert (await reflect(channel)).files
