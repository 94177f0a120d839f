"""HTTP rules from a file: what is read, and every mistake with its line and column."""

from __future__ import annotations

import json

import pytest

from isthmus.schema.mapping import parse_mapping
from isthmus.schema.model import Binding

WHOLE = """
type: google.api.Service
config_version: 3
apis: [{name: p.S}]
http:
  fully_decode_reserved_expansion: true
  rules:
    - selector: p.S.Get
      get: /v1/{name=things/*}
      additional_bindings:
        - get: /v1/old/{name}
        - custom: {kind: SEARCH, path: "/v1/things:search"}
          body: "*"
    - selector: p.S.Make
      post: /v1/things
      body: thing
      response_body: thing
"""


def test_a_service_config() -> None:
    made = parse_mapping(WHOLE, "m.yaml")
    assert made.errors == ()
    assert made.rules == {
        "p.S.Get": (
            Binding("GET", "/v1/{name=things/*}", source="mapping"),
            Binding("GET", "/v1/old/{name}", source="mapping"),
            Binding("SEARCH", "/v1/things:search", "*", source="mapping"),
        ),
        "p.S.Make": (Binding("POST", "/v1/things", "thing", "thing", "mapping"),),
    }


@pytest.mark.parametrize("verb", ["get", "put", "post", "delete", "patch"])
def test_verbs(verb: str) -> None:
    made = parse_mapping(f"http: {{rules: [{{selector: p.S.Do, {verb}: /x, body: ~}}]}}", "m.yaml")
    assert made.rules == {"p.S.Do": (Binding(verb.upper(), "/x", source="mapping"),)}


def test_json_and_its_spelling() -> None:
    rule = {"selector": "p.S.Do", "get": "/a", "responseBody": "x", "additionalBindings": [{"put": "/b"}]}
    made = parse_mapping(json.dumps({"http": {"rules": [rule]}}, indent=2), "m.json")
    assert made.errors == ()
    assert [each.template for each in made.rules["p.S.Do"]] == ["/a", "/b"]
    assert made.rules["p.S.Do"][0].response_body == "x"


def test_of_several_rules_for_a_method_the_last_counts() -> None:
    made = parse_mapping("http: {rules: [{selector: a.B.C, get: /1}, {selector: a.B.C, get: /2}]}", "m.yaml")
    assert [each.template for each in made.rules["a.B.C"]] == ["/2"]


def test_bytes_are_read_as_utf_8() -> None:
    text = "http: {rules: [{selector: a.B.C, get: /ü}]}"
    assert parse_mapping(text.encode(), "m.yaml") == parse_mapping(text, "m.yaml")


def rule(text: str) -> str:
    return f"http:\n  rules:\n    - {text}\n"


WRONG = {
    "empty": ("", "m.yaml: the file is empty; expected http.rules, a list of rules"),
    "not UTF-8": (b"http: \xff", "m.yaml: expected UTF-8 text; byte 7 is not"),
    "broken": ("http: [", "m.yaml:1:8: expected the node content, but found '<stream end>'"),
    "several documents": ("a: 1\n---\nb: 2", "m.yaml:2:1: but found another document"),
    "control character": ("http: \x00", "m.yaml: unacceptable character"),
    "no mapping": ("- x", "m.yaml:1:1: expected google.api.Service with type, config_version"),
    "another type": ("type: google.api.Other\nhttp: {rules: []}", "m.yaml:1:7: expected type google.api.Service"),
    "unknown key": ("htpt: {}", "m.yaml:1:1: google.api.Service has no htpt (did you mean http?)"),
    "key that is no text": ("? [a]\n: b", "m.yaml:1:3: expected one of type,"),
    "no rules": ("http: {}", "m.yaml:1:7: expected http.rules, a list of rules"),
    "no http": ("name: x", "m.yaml:1:1: expected http.rules, a list of rules"),
    "rules no list": ("http: {rules: {a: b}}", "m.yaml:1:15: expected a list"),
    "rule no mapping": (rule("text"), "m.yaml:3:7: expected a rule with selector, get,"),
    "no selector": (rule("get: /x"), "m.yaml:3:7: a rule needs a selector"),
    "selector no text": (rule("{selector: [a], get: /x}"), "m.yaml:3:18: expected text"),
    "no verb": (rule("selector: a.B.C"), "m.yaml:3:7: expected exactly one of get, put"),
    "two verbs": (rule("{selector: a.B.C, get: /x, put: /y}"), "found get, put"),
    "misspelt verb": (rule("{selector: a.B.C, gett: /x}"), "m.yaml:3:25: a rule has no gett (did you mean get?)"),
    "bad template": (rule("{selector: a.B.C, get: x}"), "m.yaml:3:30: x: at character 1: expected '/', found 'x'"),
    "given twice": (rule("{selector: a.B.C, get: /x, get: /y}"), "m.yaml:3:34: get is given twice"),
    "selector inside": (
        rule("{selector: a.B.C, get: /x, additional_bindings: [{selector: d, get: /y}]}"),
        "m.yaml:3:57: an additional binding has no selector",
    ),
    "nested twice": (
        rule("{selector: a.B.C, get: /x, additional_bindings: [{get: /y, additional_bindings: []}]}"),
        "an additional binding has no additional_bindings",
    ),
    "custom without path": (rule("{selector: a.B.C, custom: {kind: X}}"), "expected '/', found the end"),
    "custom with more": (rule("{selector: a.B.C, custom: {kind: X, path: /x, x: y}}"), "custom has no x"),
    "escape sequences": (rule('{selector: a.B.C, get: "x\\e[31m"}'), "x\\x1b[31m"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_with_its_place_and_nothing_counts(text: str | bytes, message: str) -> None:
    made = parse_mapping(text, "m.yaml")
    assert made.rules == {}
    assert message in "\n".join(made.errors)
    assert all(error.startswith("m.yaml:") and error.isprintable() for error in made.errors)


def test_all_mistakes_are_told_at_once() -> None:
    text = "http:\n  rules:\n  - {selector: a.B.C, gte: /x}\n  - {selector: a.B.D, get: x}\n  - {get: /y}\n"
    places = [error.split(": ")[0] for error in parse_mapping(text, "m.yaml").errors]
    assert places == ["m.yaml:3:23", "m.yaml:3:5", "m.yaml:4:28", "m.yaml:5:5"]
