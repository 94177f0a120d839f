"""JSON Schemas of messages: what each kind of field takes, what it refuses, and what comments and options become."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from descriptor_files import a_file, field, raw, service
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from isthmus.edge.proto_files import compile_protos
from isthmus.schema import descriptors
from isthmus.schema.json_schema import Definitions, message_schema
from isthmus.schema.model import Schema
from isthmus.schema.plan import make_schema

ROOT = Path(__file__).parents[3]
EVERYTHING = "library.v1.Everything"
OLD = """
syntax = "proto2";
package old;
message Old {
  required string name = 1;
  optional int64 big = 2 [default = 9007199254740993];
  optional bytes data = 3 [default = "hi"];
  optional Mood mood = 4 [default = SAD];
  optional double ratio = 5 [default = inf];
  optional bool on = 6 [default = true];
  optional group Part = 7 { optional string inside = 1; }
  extensions 100 to 200;
  enum Mood { HAPPY = 1; SAD = 2; ALSO_SAD = 3 [deprecated = true]; }
}
extend Old { optional string more = 100; }
service S { rpc Do(Old) returns (Old); }
"""
NEW = """
edition = "2023";
package fresh;
message Fresh {
  option deprecated = true;
  string name = 1 [features.field_presence = LEGACY_REQUIRED];
  int32 count = 2;
  Kind kind = 3;
  Fresh part = 4 [features.message_encoding = DELIMITED];
  enum Kind { option features.enum_type = CLOSED; KIND_A = 0; KIND_B = 7; }
}
service S { rpc Do(Fresh) returns (Fresh); }
"""
BEHAVIOR = """
syntax = "proto3";
package marked;
import "google/api/field_behavior.proto";
message Marked {
  // What it is called.
  string name = 1 [(google.api.field_behavior) = REQUIRED];
  string made_by = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
  string secret = 3 [(google.api.field_behavior) = INPUT_ONLY];
  string strange = 4 [json_name = "it's odd"];
}
service S { rpc Do(Marked) returns (Marked); }
"""


@functools.cache
def trials() -> Schema:
    return make_schema(compile_protos(["trials.proto"], [str(ROOT / "examples" / "grpc")]))


def compiled(folder: Path, text: str, name: str) -> tuple[Descriptor, Schema]:
    (folder / "a.proto").write_text(text)
    schema = make_schema(compile_protos(["a.proto"], [str(folder)]))
    assert not schema.problems
    return descriptors.load(schema.descriptor_set).FindMessageTypeByName(name), schema


def pool() -> DescriptorPool:
    return descriptors.load(trials().descriptor_set)


def wrong(found: dict[str, Any], value: object) -> str:
    """Why a value is refused; empty if it is not."""
    Draft202012Validator.check_schema(found)
    checker = Draft202012Validator(found, format_checker=Draft202012Validator.FORMAT_CHECKER)
    error = best_match(checker.iter_errors(value))
    return error.message if error is not None else ""


def everything(**how: Any) -> dict[str, Any]:
    return message_schema(pool().FindMessageTypeByName(EVERYTHING), **how)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        pytest.param("int32Value", [1, -(2**31)], ["1", 2**31, 1.5, True], id="int32"),
        pytest.param("uint32Value", [0, 2**32 - 1], [-1, 2**32], id="uint32"),
        pytest.param("int64Value", ["-9223372036854775808", 5], ["1.5", "x", 2**63, -(2**63) - 1, None], id="int64"),
        pytest.param("fixed64Value", ["18446744073709551615", 0], ["-1", -1, 2**64], id="fixed64"),
        pytest.param("doubleValue", [1, 1.5, "NaN", "-Infinity", "1e5"], ["nan", "inf", "x", True], id="double"),
        pytest.param("floatValue", [3.4028235e38, "Infinity"], [1e39, "+1"], id="float"),
        pytest.param("boolValue", [True], ["true", 1], id="bool"),
        pytest.param("text", ["", "é"], [1, None], id="string"),
        pytest.param("data", ["", "aGk=", "aGk", "_-8="], ["a", "a b", 1], id="bytes"),
        pytest.param("genre", ["FICTION", 1, 99], ["fiction", 1.5, None], id="enum"),
        pytest.param("nested", [{}, {"width": 1}], [{"wide": 1}, [], None], id="message"),
        pytest.param("child", [{"child": {"child": {"text": "x"}}}], [{"child": {"text": 1}}], id="recursion"),
        pytest.param("numbers", [[], ["1", 2]], [["x"], "1", [None]], id="repeated"),
        pytest.param("labels", [{}, {"a": "b"}], [{"a": 1}, []], id="map"),
        pytest.param("flags", [{"-5": True}], [{"x": True}, {"1": 1}], id="map-of-numbers"),
        pytest.param("favourites", [{"true": "POETRY"}], [{"yes": "POETRY"}], id="map-of-booleans"),
        pytest.param("time", ["2026-01-02T03:04:05.5Z"], ["yesterday", 1, "1s"], id="timestamp"),
        pytest.param("span", ["1.5s", "-3s"], ["1.5", "PT1S", 1], id="duration"),
        pytest.param("mask", ["a,b.cD", ""], ["a_b", ["a"]], id="field-mask"),
        pytest.param("object", [{"a": [None]}], [[], "x"], id="struct"),
        pytest.param("value", [None, 1, "x", [], {}], [], id="value"),
        pytest.param("list", [[1, "x", None]], [{}, None], id="list-value"),
        pytest.param("any", [{}, {"@type": "t/x", "more": 1}], [{"more": 1}, {"@type": 1}, "x"], id="any"),
        pytest.param("null", [None], [0, "null"], id="null-value"),
        pytest.param("nothing", [{}], [{"a": 1}, None], id="empty"),
        pytest.param("int64Wrapper", ["5", 5, None], ["x", {}], id="int64-wrapper"),
        pytest.param("stringWrapper", ["", None], [1], id="string-wrapper"),
        pytest.param("boolWrapper", [False, None], ["false"], id="bool-wrapper"),
        pytest.param("times", [["2026-01-02T03:04:05Z"]], [[None], ["x"]], id="repeated-well-known"),
        pytest.param("renamed", ["x"], [1], id="json-name"),
    ],
)
def test_what_a_field_takes(field: str, good: list[object], bad: list[object]) -> None:
    found = everything()
    assert field in found["$defs"][EVERYTHING]["properties"]
    assert [wrong(found, {field: value}) for value in good] == [""] * len(good)
    assert all(wrong(found, {field: value}) for value in bad)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param({"unknown": 1}, "unexpected", id="unknown-field"),
        pytest.param({"word": "a", "amount": "1"}, "valid under each|not be valid|is not valid under any", id="oneof"),
        pytest.param([], "object", id="no-object"),
    ],
)
def test_what_a_message_refuses(value: object, reason: str) -> None:
    assert re.search(reason, wrong(everything(), value))


def test_one_member_of_a_oneof_is_enough() -> None:
    assert not wrong(everything(), {"word": "a", "text": "b"})


def test_names_as_in_the_file() -> None:
    found = everything(preserve_names=True)
    assert not wrong(found, {"int32_value": 1, "original_name": "x"})
    assert wrong(found, {"int32Value": 1})
    assert wrong(everything(), {"int32_value": 1})


def test_comments_are_descriptions() -> None:
    schema = trials()
    book = pool().FindMessageTypeByName("library.v1.Book")
    found: Any = message_schema(book, comments=descriptors.comments(schema.descriptor_set))
    made = found["$defs"]["library.v1.Book"]
    assert made["description"] == "A book."
    assert made["properties"]["pages"]["description"] == "Pages, if they were counted."
    assert made["properties"]["loan"] == {"$ref": "#/$defs/library.v1.Loan", "description": "With a reader."}
    assert made["properties"]["oldMark"]["deprecated"] is True
    assert "- `ALMANAC`: (deprecated) Nobody writes it any more." in found["$defs"]["library.v1.Genre"]["description"]
    assert made["properties"]["createTime"]["description"] == "When it came here."


def test_every_definition_is_made_once_and_found() -> None:
    found: Any = everything()
    assert list(found["$defs"]) == ["google.protobuf.Empty", "library.v1.Book.Size", EVERYTHING, "library.v1.Genre"]
    assert found["$ref"] == f"#/$defs/{EVERYTHING}"


def test_proto2(tmp_path: Path) -> None:
    old, _ = compiled(tmp_path, OLD, "old.Old")
    found: Any = message_schema(old)
    made = found["$defs"]["old.Old"]
    assert made["required"] == ["name"]
    defaults = {name: field["default"] for name, field in made["properties"].items() if "default" in field}
    assert defaults == {"big": "9007199254740993", "data": "aGk=", "mood": "SAD", "ratio": "Infinity", "on": True}
    assert not wrong(found, {"name": "a", "mood": 2, "part": {"inside": "b"}, "[old.more]": "c"})
    assert wrong(found, {}), "a required field is missing"
    assert wrong(found, {"name": "a", "mood": 9}), "a closed enum has no such number"


def test_editions(tmp_path: Path) -> None:
    fresh, _ = compiled(tmp_path, NEW, "fresh.Fresh")
    found: Any = message_schema(fresh)
    made = found["$defs"]["fresh.Fresh"]
    assert made["deprecated"] is True
    assert made["required"] == ["name"]
    assert not wrong(found, {"name": "a", "kind": "KIND_B", "part": {"name": "b"}})
    assert wrong(found, {"name": "a", "kind": 3})


def test_field_behavior(tmp_path: Path) -> None:
    marked, schema = compiled(tmp_path, BEHAVIOR, "marked.Marked")
    found: Any = message_schema(marked, comments=descriptors.comments(schema.descriptor_set))
    made = found["$defs"]["marked.Marked"]
    assert "required" not in made, "an answer leaves out what has its default, required or not"
    assert made["properties"] == {
        "name": {"type": "string", "description": "What it is called.\n\nRequired."},
        "madeBy": {"type": "string", "readOnly": True},
        "secret": {"type": "string", "writeOnly": True},
        "it's odd": {"type": "string"},
    }


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        pytest.param("google.protobuf.Timestamp", "2026-01-02T03:04:05Z", {}, id="timestamp"),
        pytest.param("google.protobuf.Int64Value", "5", {"value": "5"}, id="wrapper"),
        pytest.param("google.protobuf.Struct", {"a": 1}, 1, id="struct"),
    ],
)
def test_a_well_known_type_by_itself(name: str, good: object, bad: object) -> None:
    found = message_schema(pool().FindMessageTypeByName(name))
    assert "$defs" not in found
    assert not wrong(found, good)
    assert wrong(found, bad)


def test_fields_can_be_left_out_at_any_depth() -> None:
    definitions = Definitions({})
    update = pool().FindMessageTypeByName("library.v1.UpdateBookRequest")
    found: Any = definitions.without(update, [("book", "name"), ("update_mask",)])
    assert list(found["properties"]) == ["book"]
    inside = found["properties"]["book"]
    assert "name" not in inside["properties"]
    assert "title" in inside["properties"]
    without_url: Any = definitions.without(pool().FindMessageTypeByName("library.v1.Book"), [("url",)])
    assert without_url["allOf"][0]["description"] == "At most one of position, loan."
    assert "library.v1.Loan" in definitions.complete()


def test_types_nested_deeper_than_the_stack() -> None:
    file = service(a_file("deep.proto"), "S", {"Do": None}, message="M0")
    file.message_type[0].name = "M0"
    for index in range(3000):
        field(file.message_type[index], "next", f".deep.M{index + 1}")
        file.message_type.add(name=f"M{index + 1}")
    schema = make_schema(raw(file))
    found: Any = message_schema(descriptors.load(schema.descriptor_set).FindMessageTypeByName("deep.M0"))
    assert len(found["$defs"]) == 3001
