"""Fields to lines and columns."""

import pytest

from isthmus.kube.positions import Positions
from isthmus.kube.refs import FieldPath, Source, SourcePos

TEXT = """\
# first
a: 1
---
metadata:
  annotations:
    x/y: "1"
    on: 2
spec:
  rules:
  - host: a
    http: {paths: [{path: /}, {path: /b}]}
  -
    host: b
base: &base
  p: 1
  q: 2
use:
  <<: [*base]
  q: 3
alias: *base
---
kind: List
items:
- a: 1
- b:
    c: 2
"""

CASES = {
    "key": ('metadata.annotations["x/y"]', "6:5"),
    "key that is a boolean": ("metadata.annotations.true", "7:5"),
    "item": ("spec.rules[0]", "10:5"),
    "item on the next line": ("spec.rules[1]", "13:5"),
    "inside flow": ("spec.rules[0].http.paths[1].path", "11:32"),
    "absent key: the parent": ("spec.rules[0].tls", "10:5"),
    "absent item: the list": ("spec.rules[7].host", "9:3"),
    "absent altogether: the document": ("nothing.at.all", "4:1"),
    "merged": ("use.p", "15:3"),
    "own before merged": ("use.q", "19:3"),
    "through an alias": ("alias.q", "16:3"),
    "root": ("", "4:1"),
}


@pytest.mark.parametrize(("path", "place"), CASES.values(), ids=CASES)
def test_places(path: str, place: str) -> None:
    assert str(Positions({"f": TEXT}).of(Source("f", 3), FieldPath.parse(path))) == f"f:{place}"


def test_items_of_a_list() -> None:
    positions = Positions({"f": TEXT})
    assert positions.of(Source("f", 21, 1), FieldPath(("b", "c"))) == SourcePos("f", 26, 5)
    assert positions.of(Source("f", 21, 0), FieldPath(("a",))) == SourcePos("f", 24, 3)


@pytest.mark.parametrize(
    ("text", "line", "place"),
    [
        (TEXT, 5, SourcePos("f", 5)),
        ("a: [", 1, SourcePos("f", 1)),
        ("", 1, SourcePos("f", 1)),
        ("- " * 50_000, 1, SourcePos("f", 1, 1)),
        ("a: &a\n  <<: *a", 1, SourcePos("f", 1, 1)),
        ("\n<<: [1, {}]", 1, SourcePos("f", 2, 1)),
    ],
    ids=["no document starts there", "broken", "empty", "deep", "merges itself", "merges nothing"],
)
def test_there_is_always_an_answer(text: str, line: int, place: SourcePos) -> None:
    found = Positions({"f": text}).of(Source("f", line), FieldPath(("x",)))
    assert found.file == "f" and found in (place, SourcePos("f", line))


def test_unknown_files_have_only_the_line() -> None:
    assert Positions({}).of(Source("gone", 7), FieldPath(("x",))) == SourcePos("gone", 7)


def test_json_with_surrogate_pairs() -> None:
    text = '{"a": "\\ud83d\\ude00",\n "b": {"c": 1}}'
    assert Positions({"f": text}).of(Source("f"), FieldPath(("b", "c"))) == SourcePos("f", 2, 8)


def test_carriage_returns() -> None:
    positions = Positions({"f": "a: 1\r\n---\r\nb: 1\r\nc: 2"})
    assert positions.of(Source("f", 2), FieldPath(("c",))) == SourcePos("f", 4, 1)
