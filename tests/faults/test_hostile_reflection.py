"""A server that lies when it is asked to describe itself costs at most the limits, and is told why it was given up."""

from __future__ import annotations

import asyncio
import itertools
import resource
import socket
import threading
import time
from collections.abc import Iterable, Iterator

import grpc
import pytest
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from reflecting import Script, catalogue, channel_to, error, file, files, raw_server, reflecting, services

from isthmus.edge.grpc_client.reflection import Limits, Reflected, ReflectionError, reflect
from isthmus.schema.assembly import assemble

MIB = 1024 * 1024
SMALL = Limits(seconds=2.0, size=1 * MIB)


async def ask(address: str, limits: Limits = SMALL) -> Reflected:
    async with channel_to(address) as channel:
        return await reflect(channel, limits=limits)


async def refused(script: Script, limits: Limits = SMALL) -> ReflectionError:
    """How it ended; that it ended in time is asserted."""
    started = time.monotonic()
    with reflecting(script) as address, pytest.raises(ReflectionError) as caught:
        try:
            await ask(address, limits)
        finally:
            assert time.monotonic() - started < limits.seconds + 10
    return caught.value


def listing(answers: Iterable[bytes]) -> Script:
    """Lists one service and answers the other questions with the next answer."""
    left = iter(answers)

    def script(request: ServerReflectionRequest, _: grpc.ServicerContext) -> Iterable[bytes]:
        return (services("a.Service"),) if request.list_services else (next(left),)

    return script


async def test_more_bytes_than_allowed():
    """Each file imports the next; all together are 200 MB."""
    chain = (files(file(f"{n}.proto", f"{n + 1}.proto", size=MIB // 4)) for n in range(800))
    assert (await refused(listing(chain))).kind == "too-large"


async def test_one_answer_that_is_too_large():
    kind = (await refused(listing([files(file("a.proto", size=20 * MIB))]), Limits(5.0, 16 * MIB))).kind
    assert kind == "too-large"


async def test_millions_of_empty_files_in_one_answer():
    """16 MiB that would become hundreds of MB if they were taken apart."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    many = b"\x22" + _length(15 * MIB) + b"\n\x00" * (15 * MIB // 2)
    assert (await refused(listing([many]), Limits(5.0, 16 * MIB))).kind == "too-large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB


async def test_millions_of_fields_in_one_file():
    body = b"\n\x01a" + b"\x28\x01" * (15 * MIB // 2)
    assert (await refused(listing([files(body)]), Limits(5.0, 16 * MIB))).kind == "too-large"


async def test_an_endless_list_of_services():
    names = services(*(f"a{number}.Service" for number in range(30_000)))
    assert (await refused(lambda *_: (names,))).kind == "too-large"


async def test_a_list_of_giant_names():
    found = services(*(letter * (MIB // 4) for letter in "abc"))
    with reflecting(lambda *_: (found,)) as address:
        reflected = await ask(address)
    assert (reflected.services, len(reflected.problems)) == ((), 3)
    assert max(len(each.where) for each in reflected.problems) < 400


async def test_imports_without_end():
    def script(request: ServerReflectionRequest, _: grpc.ServicerContext) -> Iterable[bytes]:
        if request.list_services:
            return (services("a.Service"),)
        number = int(request.file_by_filename.removesuffix(".proto") or 0)
        return (files(file(f"{number}.proto", f"{number + 1}.proto")),)

    assert (await refused(script, Limits(seconds=1.0))).kind in ("timeout", "too-large")


async def test_imports_that_do_not_exist():
    imports = [f"{number}.proto" for number in range(4_000)]

    def script(request: ServerReflectionRequest, _: grpc.ServicerContext) -> Iterable[bytes]:
        if request.list_services:
            return (services("a.Service"),)
        return (files(file("a.proto", *imports)),) if request.file_containing_symbol else (error(5, "x" * 10_000),)

    kind = ""
    with reflecting(script) as address:
        try:
            found = await ask(address, Limits(seconds=10.0, size=100 * MIB))
        except ReflectionError as late:
            kind = late.kind
        else:
            assert len(found.problems) <= 1_000
            assert all(len(each.what) < 400 for each in found.problems)
    assert kind in ("", "timeout")


async def test_cycles_end():
    script = catalogue(
        a=file("a.proto", "b.proto"), b=file("b.proto", "a.proto", "b.proto"), c=file("c.proto", "c.proto")
    )
    with reflecting(script) as address:
        found = await ask(address)
    assert len(found.files) == 3
    assert assemble(found.files, ["a.Service"]).services == ()


async def test_a_file_that_always_comes_under_another_name():
    with reflecting(listing(itertools.repeat(files(file("x.proto", "y.proto"))))) as address:
        found = await ask(address)
    assert len(found.files) == 1


async def test_another_content_for_every_question():
    bodies = (files(file("a.proto", f"b{n}.proto", size=n + 1)) for n in itertools.count())
    assert (await refused(listing(bodies), Limits(1.0, MIB))).kind in ("too-large", "timeout")


async def test_conflicting_files_both_arrive_and_are_named():
    def script(request: ServerReflectionRequest, _: grpc.ServicerContext) -> Iterable[bytes]:
        if request.list_services:
            return (services("a.Service", "b.Service"),)
        return (files(file("a.proto", size=1 + (request.file_containing_symbol == "a.Service"))),)

    with reflecting(script) as address:
        found = await ask(address)
    assert len(found.files) == 2
    assert "conflict" in {each.kind for each in assemble(found.files).problems}


async def test_answers_that_nobody_asked_for():
    """They come without end; what is read is bounded all the same."""

    def script(*_: object) -> Iterator[bytes]:
        while True:
            yield services("a.Service")

    assert (await refused(script)).kind == "protocol"


async def test_a_server_that_takes_the_call_and_says_nothing():
    released = threading.Event()

    def script(_: object, context: grpc.ServicerContext) -> Iterable[bytes]:
        context.add_callback(released.set)
        released.wait(30)
        return ()

    assert (await refused(script, Limits(seconds=0.5))).kind == "timeout"
    assert released.wait(10)  # it was told that nobody waits any more


async def test_one_byte_at_a_time():
    """A relay that hands on a byte each 50 ms."""
    with reflecting(catalogue(a=file("a.proto"))) as address:
        host, _, port = address.rpartition(":")

        def drip(client: socket.socket, over: threading.Event) -> None:
            with socket.create_connection((host, int(port))) as server:
                up = threading.Thread(target=_copy, args=(client, server))
                up.start()
                while (byte := server.recv(1)) and not over.wait(0.05):
                    client.sendall(byte)
                client.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)
                up.join()

        with raw_server(drip) as slow:
            started = time.monotonic()
            with pytest.raises(ReflectionError) as caught:
                await ask(f"{slow[0]}:{slow[1]}", Limits(seconds=1.0))
            assert caught.value.kind == "timeout"
            assert time.monotonic() - started < 10


async def test_the_limit_holds_for_both_versions_together():
    """v1 costs almost all of it and then claims not to exist."""

    def script(request: ServerReflectionRequest, context: grpc.ServicerContext) -> Iterable[bytes]:
        if request.list_services:
            return (services("a.Service", "b.Service"),)
        if request.file_containing_symbol == "b.Service":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no")
        return (files(file("a.proto", size=600 * 1024)),)

    with reflecting(script, ("v1", "v1alpha")) as address, pytest.raises(ReflectionError) as caught:
        await ask(address)
    assert caught.value.kind == "too-large"


async def test_the_loop_goes_on_meanwhile():
    """What one server sends keeps nobody else waiting for long."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    ticking = asyncio.ensure_future(tick())
    body = b"\n\x01a" + b"\x28\x01" * (15 * MIB // 2)
    await refused(listing([files(body)]), Limits(5.0, 16 * MIB))
    ticking.cancel()
    assert longest < 2.0


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
    except OSError:
        pass


def _length(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
