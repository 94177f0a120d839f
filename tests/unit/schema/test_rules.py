"""HTTP rules of methods: which work, why the others do not, and who wins where two want the same requests."""

from __future__ import annotations

import pytest
from descriptor_files import HTTP, File, a_file, field, get, raw, service
from google.api import annotations_pb2
from google.api.http_pb2 import CustomHttpPattern, HttpRule

from isthmus.schema.model import Binding, Schema
from isthmus.schema.plan import make_schema


def message_file(syntax: str = "proto3") -> File:
    file = a_file("p.proto", imports=[HTTP, "google/protobuf/timestamp.proto", "google/protobuf/struct.proto"])
    file.syntax = syntax
    message = file.message_type.add(name="M")
    for name, kind in {"id": "string", "number": "int32", "data": "bytes"}.items():
        field(message, name, kind)
    field(message, "tags", repeated=True)
    field(message, "inner", ".p.M")
    field(message, "inners", ".p.M", repeated=True)
    field(message, "at", ".google.protobuf.Timestamp")
    field(message, "free", ".google.protobuf.Struct")
    return file


def schema_of(**rules: HttpRule | None) -> Schema:
    return make_schema(raw(service(message_file(), "S", rules)))


def bindings(schema: Schema, name: str = "Do") -> list[Binding]:
    return list(next(method for method in schema.methods if method.name == name).bindings)


DEFAULT = Binding("POST", "/p.S/Do", "*", "", "default")


def test_every_method_has_its_rpc_path() -> None:
    assert bindings(schema_of(Do=None)) == [DEFAULT]


@pytest.mark.parametrize("verb", ["get", "put", "post", "delete", "patch"])
def test_verbs(verb: str) -> None:
    assert bindings(schema_of(Do=HttpRule(**{verb: "/v1/x"})))[0] == Binding(verb.upper(), "/v1/x")


def test_custom_kinds() -> None:
    def custom(kind: str) -> HttpRule:
        return HttpRule(custom=CustomHttpPattern(kind=kind, path="/v1/x"))

    assert bindings(schema_of(Do=custom("SEARCH")))[0] == Binding("SEARCH", "/v1/x")
    assert bindings(schema_of(Do=custom("*")))[0] == Binding("*", "/v1/x")
    for wrong in ("", "GET /", "a b", "G\nT"):
        assert bindings(schema_of(Do=custom(wrong))) == [DEFAULT]


def test_additional_bindings_count_one_level_deep() -> None:
    deep = get("/c", additional_bindings=[get("/d")])
    schema = schema_of(Do=get("/a/{id}", body="inner", additional_bindings=[get("/b", response_body="tags"), deep]))
    assert bindings(schema) == [
        Binding("GET", "/a/{id}", "inner"), Binding("GET", "/b", "", "tags"), Binding("GET", "/c"), DEFAULT
    ]  # fmt: skip
    assert [each.kind for each in schema.problems] == ["invalid-rule"]
    assert "one level" in schema.problems[0].what


@pytest.mark.parametrize("path", [
    "/v1/{id}", "/v1/{inner.inner.id}", "/v1/{number}/{id=a/*/**}", "/v1/{at}:cancel", "/v1/{data}", "/{id=**}"
])  # fmt: skip
def test_paths_that_work(path: str) -> None:
    schema = schema_of(Do=get(path))
    assert bindings(schema) == [Binding("GET", path), DEFAULT] and schema.problems == ()


WRONG = {
    "no template": (get("v1/x"), "expected '/'"),
    "unclosed": (get("/v1/{id"), "expected '}'"),
    "empty": (get(""), "expected '/'"),
    "no pattern": (HttpRule(body="*"), "an HTTP rule has no path"),
    "unknown field": (get("/v1/{nope}"), "p.M has no field nope"),
    "unknown nested field": (get("/v1/{inner.nope}"), "p.M has no field inner.nope"),
    "through a scalar": (get("/v1/{id.x}"), "p.M has no field id.x"),
    "through a repeated field": (get("/v1/{inners.id}"), "p.M has no field inners.id"),
    "repeated leaf": (get("/v1/{tags}"), "the field tags is not a single value"),
    "message leaf": (get("/v1/{inner}"), "the field inner is not a single value"),
    "struct leaf": (get("/v1/{free}"), "the field free is not a single value"),
    "unknown body": (get("/v1", body="nope"), "p.M has no field nope for the body"),
    "nested body": (get("/v1", body="inner.id"), "p.M has no field inner.id for the body"),
    "unknown response": (get("/v1", response_body="nope"), "p.M has no field nope for the answer"),
    "too long": (get("/" + "a" * 3000), "more than 2000 characters"),
}


@pytest.mark.parametrize(("rule", "reason"), WRONG.values(), ids=WRONG)
def test_a_rule_that_cannot_work_is_left_out_alone(rule: HttpRule, reason: str) -> None:
    rule.additional_bindings.add(get="/good")
    schema = schema_of(Do=rule)
    assert bindings(schema) == [Binding("GET", "/good"), DEFAULT]
    assert [(each.kind, each.where) for each in schema.problems] == [("invalid-rule", "p.S.Do")]
    assert reason in schema.problems[0].what
    assert schema.problems[0].what.isprintable() and len(schema.problems[0].what) < 1000


def test_of_two_methods_with_one_path_the_first_has_it_whatever_its_fields_are_called() -> None:
    schema = schema_of(A=get("/v1/{id}"), B=get("/v1/{number}"), C=HttpRule(post="/v1/{id}"))
    assert [len(bindings(schema, name)) for name in "ABC"] == [2, 1, 2]
    assert [(each.kind, each.where) for each in schema.problems] == [("duplicate-rule", "p.S.B")]
    assert "taken by /p.S/A" in schema.problems[0].what


def test_no_rule_takes_the_rpc_path_of_another_method() -> None:
    schema = schema_of(A=HttpRule(post="/p.S/B", body="*"), B=None)
    assert bindings(schema, "B") == [Binding("POST", "/p.S/B", "*", "", "default")]
    assert [each.source for each in bindings(schema, "A")] == ["default"]
    assert [(each.kind, each.where) for each in schema.problems] == [("duplicate-rule", "p.S.A")]


def test_a_rule_for_the_own_rpc_path_says_what_its_body_is() -> None:
    schema = schema_of(Do=HttpRule(post="/p.S/Do", body="inner", response_body="tags"))
    assert bindings(schema) == [Binding("POST", "/p.S/Do", "inner", "tags", "default")]
    assert schema.problems == ()


def test_one_method_may_repeat_itself() -> None:
    schema = schema_of(Do=get("/a/{id}", additional_bindings=[get("/a/{id}"), get("/a/{inner.id}")]))
    assert bindings(schema) == [Binding("GET", "/a/{id}"), DEFAULT] and schema.problems == ()


def test_rules_of_a_mapping_replace_those_of_the_descriptors() -> None:
    mapped = {"p.S.Do": (Binding("GET", "/mapped/{id}", source="mapping"), Binding("GET", "/{no}", source="mapping"))}
    file = service(message_file(), "S", {"Do": get("/annotated"), "Other": get("/other")})
    schema = make_schema(raw(file), rules={**mapped, "p.S.Unknown": (Binding("GET", "/"),), "p.S.Other": ()})
    assert bindings(schema) == [mapped["p.S.Do"][0], DEFAULT]
    assert bindings(schema, "Other")[0].template == "/other"
    assert [(each.kind, each.where) for each in schema.problems] == [
        ("invalid-rule", "p.S.Do"), ("unknown-selector", "p.S.Unknown"),
    ]  # fmt: skip


def test_the_extension_is_read_though_the_server_does_not_send_googles_files() -> None:
    file = service(a_file("p.proto"), "S", {"Do": get("/v1")})  # does not import annotations.proto
    assert bindings(make_schema(raw(file)))[0].template == "/v1"


def test_options_that_are_no_rule_leave_the_file_out() -> None:
    file = service(message_file(), "S", {"Do": get("/XXXX")})
    assert annotations_pb2.http.full_name == "google.api.http"
    (broken,) = (body.replace(b"/XXXX", b"/\xff\xfe\xfd\xfc") for body in raw(file))
    schema = make_schema([broken])
    assert schema.methods == ()
    assert [(each.kind, each.where) for each in schema.problems] == [("invalid-file", "p.proto")]


def test_a_misspelt_selector_is_told_what_was_meant() -> None:
    files = raw(service(a_file("p.proto"), "S", {"Find": None}))
    schema = make_schema(files, rules={"p.S.Fnid": (), "nothing.Alike": ()})
    assert {each.where: each.what for each in schema.problems} == {
        "p.S.Fnid": "the server has no such method; did you mean p.S.Find?",
        "nothing.Alike": "the server has no such method",
    }
