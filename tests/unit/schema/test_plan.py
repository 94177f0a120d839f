"""From descriptors to a schema: which methods there are, what is known of each, and that it is quick."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from descriptor_files import HTTP, File, a_file, field, get, raw, service, simple

from isthmus.schema.descriptors import files_of
from isthmus.schema.model import Problem, decode, encode
from isthmus.schema.plan import make_schema


def test_what_is_known_of_a_method() -> None:
    file = service(a_file("a.proto"), "S", {"Do": None, "Watch": None})
    method = file.service[0].method[1]
    method.client_streaming = method.server_streaming = True
    method.options.deprecated = True
    method.options.idempotency_level = 1  # type: ignore[assignment]
    file.source_code_info.location.add(path=[6, 0, 2, 1], leading_comments=" Watches.\n")
    do, watch = make_schema(raw(file)).methods
    assert (do.path, do.input, do.output, do.streaming, do.comment) == ("/a.S/Do", "a.M", "a.M", False, "")
    assert (watch.client_streaming, watch.server_streaming, watch.deprecated) == (True, True, True)
    assert (watch.comment, watch.idempotency) == ("Watches.", "no_side_effects")


@pytest.mark.parametrize("package", ["grpc.health.v1", "grpc.reflection.v1alpha", "grpc.channelz.v1", "grpc.admin.v1"])
def test_infrastructure_is_no_api(package: str) -> None:
    schema = make_schema(raw(service(a_file("i.proto", package), "S", {"Do": None}), simple("a.proto")))
    assert schema.services == ("a.S",) and schema.problems == ()


def test_infrastructure_that_was_asked_for_is_not_missed() -> None:
    schema = make_schema(raw(simple("a.proto")), services=["grpc.reflection.v1.ServerReflection", "a.S", "gone.S"])
    assert schema.services == ("a.S",)
    assert [(each.kind, each.where) for each in schema.problems] == [("missing-service", "gone.S")]


def test_a_users_package_that_begins_alike_is_an_api() -> None:
    assert make_schema(raw(service(a_file("t.proto", "grpc.testing"), "S", {"Do": None}))).services == (
        "grpc.testing.S",
    )


def test_a_service_without_a_package() -> None:
    file = service(File(name="a.proto", syntax="proto3"), "S", {})
    file.service[0].method.add(name="Do", input_type=".M", output_type=".M")
    assert [method.path for method in make_schema(raw(file)).methods] == ["/S/Do"]


def test_a_schema_survives_its_encoding() -> None:
    schema = make_schema(raw(service(a_file("a.proto"), "S", {"Do": get("/a")}), simple("b.proto", "gone.proto")))
    assert decode(encode(schema)) == schema and decode(encode(schema)).digest == schema.digest
    assert schema.problems


def test_what_the_check_refuses_is_left_out_with_what_needs_it() -> None:
    def check(descriptor_set: bytes) -> Mapping[bytes, str]:
        files = files_of(descriptor_set).file
        return {f.SerializeToString(deterministic=True): "too odd" for f in files if f.name == "odd.proto"}

    schema = make_schema(raw(simple("a.proto"), simple("odd.proto"), simple("on.proto", "odd.proto")), check=check)
    assert schema.services == ("a.S",)
    assert Problem("invalid-file", "odd.proto", "too odd") in schema.problems
    assert [each.where for each in schema.problems] == ["odd.proto", "on.proto"]


def test_a_check_that_is_never_content_gets_nothing() -> None:
    schema = make_schema(raw(simple("a.proto")), check=lambda descriptor_set: {str(descriptor_set).encode(): "no"})
    assert schema.methods == () and "Envoy takes none" in schema.problems[-1].what


def test_problems_are_not_more_than_one_can_read() -> None:
    schema = make_schema(raw(*(simple(f"f{index}.proto", "gone.proto") for index in range(500))))
    assert len(schema.problems) == 201
    assert schema.problems[-1] == Problem("too-large", "problems", "there are 300 more")


def test_messages_that_contain_themselves() -> None:
    file = a_file("a.proto")
    field(file.message_type.add(name="M"), "other", ".a.N")
    field(file.message_type.add(name="N"), "other", ".a.M", repeated=True)
    schema = make_schema(raw(service(file, "S", {"Do": get("/{other.name}")})))
    assert [each.kind for each in schema.problems] == ["invalid-rule"]


def test_five_thousand_methods_take_no_longer_than_a_second_or_two() -> None:
    files = []
    for index in range(100):
        file = a_file(f"p{index}.proto", imports=[HTTP])
        message = file.message_type.add(name="M")
        for number in range(50):
            field(message, f"field_{number}")
        rules = {f"Do{number}": get(f"/p{index}/{number}/{{field_1}}") for number in range(50)}
        files.append(service(file, "S", rules))
    sent = raw(*files)
    started = time.process_time()
    schema = make_schema(sent)
    assert time.process_time() - started < 3
    assert len(schema.methods) == 5000 and all(len(method.bindings) == 2 for method in schema.methods)
    assert schema.problems == ()


def test_where_there_are_too_many_problems_the_cause_is_among_those_told() -> None:
    files = [simple(f"f{index:04}.proto", f"f{index + 1:04}.proto") for index in range(500)]
    schema = make_schema(raw(*files))
    assert [each.where for each in schema.problems if each.kind == "missing-file"] == ["f0499.proto"]
