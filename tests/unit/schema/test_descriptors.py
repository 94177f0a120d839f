"""From raw descriptors to a usable set: what is mended, what is left out and under which name, and what stays."""

from __future__ import annotations

import pytest
from descriptor_files import HTTP, File, a_file, field, get, raw, service, simple
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, empty_pb2, timestamp_pb2

from isthmus.schema.assembly import MOST_FILES, assemble
from isthmus.schema.descriptors import comments, files_of, json_name, load, trim


def names(descriptor_set: bytes) -> list[str]:
    return [file.name for file in files_of(descriptor_set).file]


def problems(*files: File, services: list[str] | None = None) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in assemble(raw(*files), services).problems]


def test_dependencies_come_first_and_the_well_known_files_are_added() -> None:
    made = assemble(raw(simple("a.proto", "b.proto"), simple("b.proto", "google/protobuf/timestamp.proto")))
    assert made.problems == () and made.services == ("a.S", "b.S")
    found = names(made.descriptor_set)
    assert found.index("google/protobuf/timestamp.proto") < found.index("b.proto") < found.index("a.proto")
    assert {"google/rpc/status.proto", "google/rpc/error_details.proto", "google/protobuf/any.proto"} <= {*found}
    pool = load(made.descriptor_set)
    assert pool.FindServiceByName("a.S").methods[0].name == "Do"
    assert pool.FindMessageTypeByName("google.rpc.BadRequest")


def test_doubles_are_dropped_silently() -> None:
    one = simple("a.proto")
    assert assemble(raw(one, one)) == assemble(raw(one))


def test_of_different_files_with_one_name_the_first_that_can_be_used_counts() -> None:
    good, lacking = service(a_file("a.proto"), "Good", {"Do": None}), simple("a.proto", "nowhere.proto")
    made = assemble(raw(lacking, good))
    assert made.services == ("a.Good",)
    assert [(each.kind, each.where) for each in made.problems] == [("conflict", "a.proto"), ("missing-file", "a.proto")]


def test_a_content_that_is_in_a_circle_makes_way_for_one_that_is_not() -> None:
    good = service(a_file("a.proto"), "Good", {"Do": None})
    made = assemble(raw(simple("a.proto", "b.proto"), good, simple("b.proto", "a.proto")))
    assert made.services == ("a.Good",)
    assert [(each.kind, each.where) for each in made.problems] == [
        ("conflict", "a.proto"), ("invalid-file", "a.proto"), ("invalid-file", "b.proto"),
    ]  # fmt: skip


def test_a_content_may_wait_for_a_circle_after_leaving_one() -> None:
    """x and y are a circle; what is left of y needs z, which is in another one that is not found until then."""
    files = [simple("x.proto", "y.proto"), simple("y.proto", "x.proto"), simple("y.proto", "z.proto")]
    made = assemble(raw(*files, simple("z.proto", "zz.proto"), simple("zz.proto", "z.proto"), simple("good.proto")))
    assert made.services == ("good.S",)
    assert {each.where for each in made.problems} == {"x.proto", "y.proto", "z.proto", "zz.proto"}


def test_json_names_are_filled_in_as_protobuf_does() -> None:
    file = a_file("a.proto")
    message = file.message_type.add(name="M")
    for name in ("plain", "two_words", "_first", "last_", "a__b", "x1_2y", "Upper_case"):
        field(message, name)
    made = assemble(raw(file))
    filled = {each.name: each.json_name for each in files_of(made.descriptor_set).file[-1].message_type[0].field}
    pool = load(made.descriptor_set)
    assert filled == {each.name: each.json_name for each in pool.FindMessageTypeByName("a.M").fields}
    assert filled["two_words"] == "twoWords" == json_name("two_words")


def test_given_json_names_stay() -> None:
    file = a_file("a.proto")
    field(file.message_type.add(name="M"), "one").json_name = "eins"
    made = assemble(raw(file))
    assert files_of(made.descriptor_set).file[-1].message_type[0].field[0].json_name == "eins"


LEFT_OUT = {
    "missing import": ([simple("a.proto", "gone.proto")], [("missing-file", "a.proto")]),
    "imports a file that is left out": (
        [simple("a.proto", "b.proto"), simple("b.proto", "gone.proto")],
        [("invalid-file", "a.proto"), ("missing-file", "b.proto")],
    ),
    "imports itself": ([simple("a.proto", "a.proto")], [("invalid-file", "a.proto")]),
    "circle": (
        [simple("a.proto", "b.proto"), simple("b.proto", "c.proto"), simple("c.proto", "a.proto")],
        [("invalid-file", "a.proto"), ("invalid-file", "b.proto"), ("invalid-file", "c.proto")],
    ),
    "beside a circle": (
        [simple("a.proto", "b.proto"), simple("b.proto", "b.proto")],
        [("invalid-file", "a.proto"), ("invalid-file", "b.proto")],
    ),
    "a type that does not exist": (
        [service(a_file("a.proto"), "S", {"Do": None}), File(name="b.proto", package="b", service=[
            descriptor_pb2.ServiceDescriptorProto(name="S", method=[
                descriptor_pb2.MethodDescriptorProto(name="Do", input_type=".b.None", output_type=".b.None")])])],
        [("invalid-file", "b.proto")],
    ),
    "defined twice": (
        [service(a_file("a.proto", "p"), "A", {"Do": None}), service(a_file("b.proto", "p"), "B", {"Do": None})],
        [("conflict", "b.proto")],
    ),
    "no name": ([a_file("", "p")], [("invalid-file", "a file")]),
    "control characters in the name": ([simple("a\n\x1b[31m.proto")], [("invalid-file", "a\\x0a\\x1b[31m.proto")]),
    "unknown syntax": ([a_file("a.proto", syntax="proto9")], [("invalid-file", "a.proto")]),
}  # fmt: skip


@pytest.mark.parametrize(("files", "found"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_cannot_be_used_is_named_and_spoils_only_what_needs_it(
    files: list[File], found: list[tuple[str, str]]
) -> None:
    assert problems(*files) == found
    good = simple("good.proto")
    assert "good.S" in assemble(raw(*files, good)).services


def test_a_circle_is_told_as_it_goes() -> None:
    made = assemble(raw(simple("a.proto", "b.proto"), simple("b.proto", "a.proto")))
    assert made.problems[0].what == "its imports form a circle: a.proto imports b.proto imports a.proto"


def test_services_that_nobody_defines_are_named() -> None:
    made = assemble(raw(simple("a.proto")), ["a.S", "b.S", "a.S"])
    assert made.services == ("a.S",)
    assert [(each.kind, each.where) for each in made.problems] == [("missing-service", "b.S")]


def test_a_chain_of_imports_may_be_long() -> None:
    files = [simple(f"f{index:04}.proto", f"f{index + 1:04}.proto") for index in range(3000)]
    made = assemble(raw(*files, simple("f3000.proto")))
    assert len(made.services) == 3001 and made.problems == ()


def test_our_copies_of_well_known_files_count() -> None:
    hostile = service(a_file("google/protobuf/timestamp.proto", "evil"), "S", {"Do": None})
    user = a_file("a.proto", imports=["google/protobuf/timestamp.proto"])
    field(user.message_type.add(name="M"), "at", ".google.protobuf.Timestamp")
    made = assemble(raw(hostile, service(user, "S", {"Do": None})))
    assert [(each.kind, each.where) for each in made.problems] == [("reserved", "google/protobuf/timestamp.proto")]
    assert "evil.S" in made.problems[0].what
    assert made.services == ("a.S",)
    ours = next(f for f in files_of(made.descriptor_set).file if f.name == "google/protobuf/timestamp.proto")
    assert ours.SerializeToString() == timestamp_pb2.DESCRIPTOR.serialized_pb


def test_an_old_copy_of_a_well_known_file_is_no_problem() -> None:
    old = File.FromString(descriptor_pb2.DESCRIPTOR.serialized_pb)
    del old.message_type[3:], old.enum_type[:]
    assert problems(old, simple("a.proto", "google/protobuf/descriptor.proto")) == []


@pytest.mark.parametrize("path", ["annotations.proto", "third_party/google/api/annotations.proto"])
def test_a_well_known_file_under_another_name_becomes_an_import_of_ours(path: str) -> None:
    copy = File.FromString(annotations_pb2.DESCRIPTOR.serialized_pb)
    copy.name = path
    user = service(a_file("a.proto", imports=[path]), "S", {"Do": get("/v1/a")})
    made = assemble(raw(copy, user, simple("b.proto", HTTP)))
    assert made.problems == () and made.services == ("a.S", "b.S")
    assert load(made.descriptor_set).FindExtensionByName("google.api.http").file.name == HTTP


def test_a_foreign_file_cannot_take_a_well_known_name() -> None:
    thief = a_file("a.proto", "google.protobuf")
    thief.message_type.add(name="Timestamp")
    user = simple("b.proto", "google/protobuf/timestamp.proto")
    made = assemble(raw(thief, user))
    assert made.services == ("b.S",)
    assert [(each.kind, each.where) for each in made.problems] == [("conflict", "a.proto")]


def test_files_in_googles_folders_that_we_do_not_have_are_used() -> None:
    assert (
        assemble(raw(service(a_file("google/api/expr/x.proto", "google.api.expr"), "S", {"Do": None}))).problems == ()
    )


@pytest.mark.parametrize(("edition", "problem"), [
    (descriptor_pb2.EDITION_2023, ""),
    (descriptor_pb2.EDITION_2024, ""),
    (1002, "its edition (2026) is not supported; 2023 and 2024 are"),
    (0, "its edition (unknown) is not supported; 2023 and 2024 are"),
])  # fmt: skip
def test_editions(edition: int, problem: str) -> None:
    file = service(a_file("a.proto", syntax="editions"), "S", {"Do": None})
    file.edition = edition  # type: ignore[assignment]
    made = assemble(raw(file))
    assert [each.what for each in made.problems] == ([problem] if problem else [])
    assert bool(made.services) is not bool(problem)


def test_proto2_with_groups_extensions_and_defaults() -> None:
    file = a_file("a.proto", syntax="proto2")
    message = file.message_type.add(name="M")
    field(message, "number", "int32").default_value = "7"
    field(message, "must").label = 2  # type: ignore[assignment]
    message.nested_type.add(name="Group")
    message.field.add(name="group", number=9, label=1, type=10, type_name=".a.M.Group")
    message.extension_range.add(start=100, end=200)
    file.extension.add(name="more", number=100, label=1, type=9, extendee=".a.M")
    made = assemble(raw(service(file, "S", {"Do": None})))
    assert made.problems == () and made.services == ("a.S",)


def test_fields_of_proto2_may_share_a_json_name() -> None:
    file = a_file("a.proto", syntax="proto2")
    message = file.message_type.add(name="M")
    field(message, "two_words")
    field(message, "twoWords")
    assert assemble(raw(file)).problems == ()
    file.syntax = "proto3"
    assert [each.what for each in assemble(raw(file)).problems] == ["duplicate json_name (twoWords)"]


def test_too_much_is_nothing() -> None:
    made = assemble(raw(simple("a.proto"), simple("b.proto")), limit=30)
    assert (made.services, [each.kind for each in made.problems]) == ((), ["too-large"])
    many = assemble(File(name=f"{index}.proto").SerializeToString() for index in range(MOST_FILES + 1))
    assert (many.services, [each.kind for each in many.problems]) == ((), ["too-large"])


def test_what_was_refused_elsewhere_is_left_out_and_another_content_takes_its_place() -> None:
    first = assemble(raw(simple("a.proto"), service(a_file("a.proto"), "Other", {"Do": None})))
    taken = files_of(first.descriptor_set).file[-1].SerializeToString(deterministic=True)
    second = assemble(
        raw(simple("a.proto"), service(a_file("a.proto"), "Other", {"Do": None})), refused={taken: "too odd"}
    )
    assert {*first.services, *second.services} == {"a.S", "a.Other"}
    assert ("invalid-file", "a.proto", "too odd") in {(p.kind, p.where, p.what) for p in second.problems}


def test_trim_keeps_what_services_need_and_their_unnamed_messages() -> None:
    shared, other = a_file("shared.proto", "shared"), simple("other.proto")
    shared.message_type.add(name="Detail").nested_type.add(name="Inner")
    user = service(simple("a.proto", "shared.proto"), "T", {"Do": None})
    user.source_code_info.location.add(path=[6, 0], leading_comments=" Said.\n")
    whole = assemble(raw(shared, other, user)).descriptor_set
    part = files_of(trim(whole, ["a.S"]))
    found = {file.name: file for file in part.file}
    assert "other.proto" not in found and "google/rpc/error_details.proto" in found
    assert [each.name for each in found["a.proto"].service] == ["S"]
    assert [each.name for each in found["shared.proto"].message_type] == ["Detail"]
    assert not found["a.proto"].HasField("source_code_info")
    assert load(part.SerializeToString()).FindServiceByName("a.S")
    assert "a.proto" not in names(trim(whole, ["a.Unknown"]))


def test_comments_by_full_name() -> None:
    file = service(a_file("a.proto"), "S", {"Do": None})
    field(file.message_type[0], "x")
    file.message_type[0].nested_type.add(name="N")
    file.enum_type.add(name="E").value.add(name="ZERO", number=0)
    said = {(6, 0): "a.S", (6, 0, 2, 0): "a.S.Do", (4, 0): "a.M", (4, 0, 2, 0): "a.M.x", (4, 0, 3, 0): "a.M.N",
            (5, 0): "a.E", (5, 0, 2, 0): "a.E.ZERO"}  # fmt: skip
    for path, name in said.items():
        file.source_code_info.location.add(path=path, leading_comments=f" On {name}\x1b.\n  Second line.\n")
    file.source_code_info.location.add(path=[9, 9, 9], leading_comments="nowhere")
    file.source_code_info.location.add(path=[4, 0], trailing_comments="not this one")
    found = comments(assemble(raw(file)).descriptor_set)
    assert found == {name: f"On {name}.\nSecond line." for name in said.values()}


def test_the_default_pool_is_left_alone() -> None:
    file = a_file("google/protobuf/private_pool_probe.proto", "google.protobuf")
    file.message_type.add(name="PrivatePoolProbe")
    load(assemble(raw(file)).descriptor_set)
    with pytest.raises(KeyError):
        empty_pb2.DESCRIPTOR.pool.FindMessageTypeByName("google.protobuf.PrivatePoolProbe")
