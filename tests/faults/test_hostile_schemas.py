"""Descriptors that are lies: never a crash, bounded time, the fault is named, and other servers never notice.

Small lies go straight to the planning, which must return; large ones go to the process that may die of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from descriptor_files import HTTP, File, a_file, field, get, raw, service, simple
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.edge import schema_process
from isthmus.edge.schema_check import refusals
from isthmus.edge.schema_order import Planned
from isthmus.edge.schema_process import Limits, SchemaError, plan_schema
from isthmus.schema.descriptors import load
from isthmus.schema.gateway import transcoding
from isthmus.schema.model import Schema
from isthmus.schema.plan import make_schema

GOOD = simple("good.proto")
DEADLINE = 30.0  # the limit is 10 s; a loaded machine needs time to end a process


def sane(*sent: bytes) -> Schema:
    """Everything that must hold for any bytes; a good file beside them is always served."""
    schema = make_schema((*sent, *raw(GOOD)), check=refusals)
    for each in schema.problems:
        assert each.where.isprintable() and each.what.isprintable()
        assert len(each.where) < 400 and len(each.what) < 2000
    assert load(transcoding(schema).descriptor_set)
    return schema


def varint(number: int) -> bytes:
    """As on the wire."""
    out = b""
    while number > 127:
        out += bytes((number & 127 | 128,))
        number >>= 7
    return out + bytes((number,))


def nested(levels: int) -> bytes:
    """A file with messages inside one another, written by hand: serialisers have limits too."""
    body = DescriptorProto(name="M").SerializeToString()
    for _ in range(levels):
        body = b"\x0a\x01M\x1a" + varint(len(body)) + body
    return a_file("deep.proto").SerializeToString() + b"\x22" + varint(len(body)) + body


def with_bytes(file: File, old: bytes, new: bytes) -> bytes:
    """A file with some text replaced by bytes that no serialiser would write."""
    body = file.SerializeToString()
    assert old in body and len(old) == len(new)
    return body.replace(old, new)


def with_comment(text: str) -> File:
    file = simple("bad.proto")
    file.source_code_info.location.add(path=[6, 0], leading_comments=text)
    return file


def with_message() -> tuple[File, DescriptorProto]:
    file = service(a_file("bad.proto"), "S", {"Do": None})
    return file, file.message_type[0]


def extension_ranges(start: int, end: int) -> File:
    file, message = with_message()
    file.syntax = "proto2"
    message.extension_range.add(start=start, end=end)
    return file


def field_number(number: int) -> File:
    file, message = with_message()
    field(message, "x").number = number
    return file


def map_entry() -> File:
    file, message = with_message()
    message.nested_type.add(name="Entry").options.map_entry = True
    field(message, "x", ".bad.M.Entry", repeated=True)
    return file


def uninterpreted() -> File:
    file, message = with_message()
    message.options.uninterpreted_option.add(string_value=b"x" * 1_000_000).name.add(name_part="n", is_extension=True)
    return file


NAMED = {
    "no bytes": b"",
    "zeroes": b"\x00" * 1000,
    "a name that is not UTF-8": with_bytes(simple("bad.proto"), b"bad.proto", b"\xff\xfe\xfd.proto"[:9]),
    "an import that is not UTF-8": with_bytes(simple("bad.proto", "bbbb"), b"bbbb", b"\xff\xfe\xfd\xfc"),
    "a package that is not UTF-8": with_bytes(a_file("bad.proto", "bbbb"), b"bbbb", b"\xff\xfe\xfd\xfc"),
    "a package of dots": raw(a_file("bad.proto", "a..b"))[0],
    "a name with NUL": raw(simple("bad\0.proto"))[0],
    "a name with a line break": raw(simple("bad\n.proto"))[0],
    "a name in capitals of another script": raw(service(a_file("bad.proto"), "Ŝ", {}))[0],
    "a very long name": raw(service(a_file("bad.proto"), "S" * 70_000, {"Do": None}))[0],
    "30 levels that no other runtime takes": nested(40),
    "98 levels": nested(98),
    "5,000 levels": nested(5000),
    "an extension range backwards": raw(extension_ranges(9, 5))[0],
    "an extension range below zero": raw(extension_ranges(-5, 2**31 - 1))[0],
    "field number zero": raw(field_number(0))[0],
    "field number too large": raw(field_number(2**29))[0],
    "a map entry without a key": raw(map_entry())[0],
    "a huge option": raw(uninterpreted())[0],
}


@pytest.mark.parametrize("body", NAMED.values(), ids=NAMED)
def test_a_file_that_is_a_lie_is_named_and_left_out(body: bytes) -> None:
    schema = sane(body)
    assert schema.services == ("good.S",)
    assert [each.kind for each in schema.problems] == ["invalid-file"]


def test_a_comment_that_is_not_utf_8_costs_only_itself() -> None:
    schema = sane(with_bytes(with_comment("cccc"), b"cccc", b"\xff\xfe\xfd\xfc"))
    assert schema.services == ("bad.S", "good.S") and schema.methods[0].comment == ""


def test_names_never_reach_a_command_line() -> None:
    names = ("--plugin=protoc-gen-x=/bin/true", "@/etc/passwd", "-I.proto", "a b.proto", "f1.proto: error", "all.proto")
    files = [service(a_file(name, f"n{index}"), "S", {"Do": None}) for index, name in enumerate(names)]
    schema = sane(*raw(*files))
    assert len(schema.services) == len(names) + 1 and schema.problems == ()


def test_files_with_the_names_that_the_check_gives() -> None:
    file = service(a_file("f9.proto", imports=["f3.proto", "all.proto"]), "S", {"Do": None})
    field(file.message_type[0], "x", ".f3.M")
    schema = sane(*raw(file, simple("f3.proto"), simple("all.proto"), field_number(0)))
    assert set(schema.services) == {"all.S", "f3.S", "f9.S", "good.S"}


def test_a_server_that_only_envoys_runtime_refuses_is_told_by_its_file() -> None:
    file, message = with_message()
    field(message, "x")
    message.reserved_name.append("x")
    schema = sane(*raw(file, simple("on.proto", "bad.proto")))
    assert schema.services == ("good.S",)
    assert [(each.where, each.what) for each in schema.problems] == [
        ("bad.proto", 'Field name "x" is reserved.'),
        ("on.proto", "it needs bad.proto, which cannot be used"),
    ]


def test_files_of_the_lite_runtime_are_fine() -> None:
    file = simple("bad.proto")
    file.options.optimize_for = 3  # type: ignore[assignment]
    assert sane(*raw(file)).problems == ()


@given(st.lists(st.binary(max_size=200), max_size=5))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_bytes(bodies: list[bytes]) -> None:
    assert "good.S" in sane(*bodies).services


RICH = service(a_file("rich.proto", imports=[HTTP]), "Rich", {"Do": get("/v1/{inner.name}", body="*"), "Other": None})
field(RICH.message_type[0], "name")
field(RICH.message_type[0], "inner", ".rich.M")
RICH.enum_type.add(name="E").value.add(name="ZERO", number=0)
RICH.source_code_info.location.add(path=[4, 0, 2, 0], leading_comments="A name.\n")
RICH_BYTES = RICH.SerializeToString()


@given(
    st.lists(st.tuples(st.integers(0, len(RICH_BYTES) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, len(RICH_BYTES)),
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_good_file_with_some_bytes_changed(changes: list[tuple[int, int]], end: int) -> None:
    body = bytearray(RICH_BYTES)
    for at, byte in changes:
        body[at] = byte
    sane(bytes(body))
    sane(bytes(body[:end]), RICH_BYTES)


# What follows is large: only the process sees it.


async def answer(*sent: bytes, limits: Limits = Limits()) -> Planned | SchemaError:  # noqa: B008 - frozen
    """What comes of it, which must be something and in time, while a good server's plan is made beside it."""
    started = time.monotonic()
    async with asyncio.TaskGroup() as both:
        other = both.create_task(plan_schema(raw(GOOD)))
        mine = both.create_task(_either(sent, limits))
    assert other.result().services == ("good.S",)
    assert time.monotonic() - started < DEADLINE
    assert not _children(), "a process is left over"
    return mine.result()


async def _either(sent: tuple[bytes, ...], limits: Limits) -> Planned | SchemaError:
    try:
        return await plan_schema(sent, limits=limits)
    except SchemaError as error:
        return error


def _children() -> list[str]:
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [pid for listed in found for pid in listed.read_text().split()]
    lines = [Path(f"/proc/{pid}/cmdline") for pid in pids]
    return [
        pid for pid, line in zip(pids, lines, strict=True) if line.exists() and b"schema_child" in line.read_bytes()
    ]


async def test_200_megabytes_are_not_even_looked_at() -> None:
    error = await answer(b"\x0a" * 200_000_000)
    assert isinstance(error, SchemaError) and error.kind == "too-large"
    assert "16777216 are allowed" in str(error)


async def test_one_hundred_thousand_files() -> None:
    planned = await answer(*(simple(f"f{index}.proto").SerializeToString() for index in range(100_000)))
    assert isinstance(planned, Planned) and planned.methods == 0
    assert [each.kind for each in planned.problems] == ["too-large"]


async def test_as_many_files_as_are_allowed_in_one_chain() -> None:
    planned = await answer(*raw(*(a_file(f"f{n}.proto", imports=[f"f{n + 1}.proto"]) for n in range(9_000))))
    assert isinstance(planned, Planned)
    assert {each.kind for each in planned.problems} == {"missing-file", "invalid-file", "too-large"}


async def test_ten_thousand_circles() -> None:
    planned = await answer(*raw(*(simple(f"f{index}.proto", f"f{index ^ 1}.proto") for index in range(9_000))))
    assert isinstance(planned, Planned) and planned.methods == 0


async def test_ten_thousand_contents_of_one_file() -> None:
    files = (service(a_file("a.proto", imports=["gone.proto"]), f"S{index}", {}) for index in range(9_000))
    planned = await answer(*raw(*files))
    assert isinstance(planned, Planned) and planned.methods == 0
    assert [each.kind for each in planned.problems] == ["conflict", "missing-file"]


async def test_16_megabytes_of_one_option() -> None:
    file = simple("a.proto")
    file.options.java_package = "x" * 16_000_000
    planned = await answer(*raw(file))
    assert isinstance(planned, Planned) and planned.services == ("a.S",)


async def test_a_million_rules_end_at_the_limit() -> None:
    file = service(a_file("a.proto", imports=[HTTP]), "S", {"Do": get("/", additional_bindings=[
        get(f"/{index}") for index in range(400_000)
    ])})  # fmt: skip
    error = await answer(*raw(file), limits=Limits(seconds=2))
    assert isinstance(error, SchemaError) and error.kind == "timeout"
    assert str(error) == "planning its schema took longer than 2 s"


async def test_memory_is_limited() -> None:
    file = a_file("a.proto")
    for index in range(400_000):
        file.message_type.add(name=f"M{index}")
    error = await answer(*raw(file), limits=Limits(memory=100 * 1024 * 1024))
    assert isinstance(error, SchemaError) and error.kind in ("memory", "broken")


async def test_what_only_envoys_runtime_refuses_never_reaches_envoy() -> None:
    file, message = with_message()
    field(message, "x")
    message.reserved_name.append("x")
    planned = await answer(*raw(file, simple("a.proto")))
    assert isinstance(planned, Planned) and planned.services == ("a.S",)
    assert [each.what for each in planned.problems] == ['Field name "x" is reserved.']


async def test_a_set_in_place_of_a_file() -> None:
    planned = await answer(FileDescriptorSet(file=[GOOD]).SerializeToString())
    assert isinstance(planned, Planned) and [each.kind for each in planned.problems] == ["invalid-file"]


async def test_what_lies_in_the_current_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert (await plan_schema(raw(GOOD))).services == ("good.S",)


async def test_a_mapping_that_cannot_be_used_is_told_line_by_line() -> None:
    with pytest.raises(SchemaError) as caught:
        await plan_schema(raw(GOOD), mapping=b"http:\n  rulez: 1\n", source="m.yaml")
    assert (caught.value.kind, str(caught.value)) == ("mapping", "m.yaml:2:3: http has no rulez (did you mean rules?)")


async def test_a_mapping_is_applied() -> None:
    mapping = b"http: {rules: [{selector: good.S.Do, get: /v1/do}, {selector: good.S.No, get: /no}]}"
    planned = await plan_schema(raw(GOOD), mapping=mapping, prefix="/v1")
    assert planned.rules == (("/v1/do", "/v1/do"),)
    assert [each.kind for each in planned.problems] == ["unknown-selector"]


CRASHES_ONCE = """
import os, pathlib, signal, sys
if sys.argv[2] == "always" or not pathlib.Path(sys.argv[1]).exists():
    pathlib.Path(sys.argv[1]).touch()
    os.kill(os.getpid(), signal.SIGSEGV)
os.execv(sys.executable, [sys.executable, "-P", "-m", "isthmus.edge.schema_child"])
"""


async def test_a_runtime_that_crashes_once_is_asked_again(monkeypatch, tmp_path):
    for how in ("once", "always"):
        command = (sys.executable, "-c", CRASHES_ONCE, str(tmp_path / how), how)
        monkeypatch.setattr(schema_process, "_COMMAND", command)
        if how == "once":
            assert (await plan_schema(raw(simple("a.proto")))).methods == 1
        else:
            with pytest.raises(SchemaError, match="signal 11"):
                await plan_schema(raw(simple("a.proto")))
