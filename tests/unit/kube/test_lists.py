"""A List with items that cannot be read: the others load, at their places."""

from __future__ import annotations

import pytest

from isthmus.kube.decode import Decoded, decode
from isthmus.kube.positions import Positions
from isthmus.kube.refs import FieldPath

YAML = """# kept
apiVersion: v1
kind: List
items:

  # the first
  - apiVersion: v1
    kind: ConfigMap
    metadata: {{name: one}}
  - apiVersion: v1
    kind: ConfigMap
    metadata:
      {broken}
  -
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: three}}
    data:
      text: |
        - not an item
        items:
metadata: {{resourceVersion: ""}}
"""
JSON = """{
    "apiVersion": "v1",
    "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "two",,}
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "three"
            }
        }
    ],
    "kind": "List"
}
"""


def names(found: Decoded) -> list[str]:
    return [obj.metadata.name for obj in found.objects]


@pytest.mark.parametrize(
    ("broken", "code", "line"),
    [
        ("name: {two", "ISTH0001", 14),
        ('name: "two', "ISTH0001", 14),
        ("\tname: two", "ISTH0001", 13),
        ("name: [two: {", "ISTH0001", 14),
        ("name: two\n      name: two", "ISTH0002", 14),
        ("name: *nobody", "ISTH0012", 13),
    ],
)
def test_the_other_items_of_a_list_load(broken: str, code: str, line: int) -> None:
    text = YAML.format(broken=broken)
    found = decode("f", text)
    assert names(found) == ["one", "three"]
    assert [each.code.id for each in found.diagnostics] == [code]
    pos = found.diagnostics[0].pos
    assert pos is not None and line - 1 <= pos.line <= line
    assert found.unreadable
    source = found.objects[1].source
    assert source is not None
    place = Positions({"f": text}).of(source, FieldPath(("metadata", "name")))
    assert text.split("\n")[place.line - 1][place.column - 1 :].startswith("name: three")


def test_the_other_items_of_a_json_list_load() -> None:
    found = decode("f", JSON)
    assert names(found) == ["one", "three"]
    assert [(each.code.id, each.pos and each.pos.line) for each in found.diagnostics] == [("ISTH0001", 8)]


ONE = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"one"}}'


@pytest.mark.parametrize("head", ['{"kind":"List","apiVersion":"v1","items":[', '{"items":['])
@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param('{"kind":"ConfigMap","kind":"Secret"}', "ISTH0002", id="a-key-twice"),
        pytest.param('{"kind":"ConfigMap" "apiVersion":"v1"}', "ISTH0001", id="a-comma-missing"),
        pytest.param('{"kind":*nobody}', "ISTH0012", id="an-alias"),
        pytest.param('{"kind":"a]}, {\\"","kind":1}', "ISTH0002", id="brackets-in-text"),
    ],
)
def test_the_other_items_of_a_json_list_on_one_line_load(head: str, broken: str, code: str) -> None:
    tail = "]}" if "List" in head else '],"apiVersion":"v1","kind":"List"}'
    text = f"{head}{ONE},{broken}, {ONE.replace('one', 'three')}{tail}\n"
    found = decode("f", text)
    assert names(found) == ["one", "three"]
    (said,) = found.diagnostics
    assert said.code.id == code and said.pos is not None
    assert len(head + ONE) < said.pos.column <= len(head + ONE + broken) + 1
    source = found.objects[1].source
    assert source is not None
    place = Positions({"f": text}).of(source, FieldPath(("metadata", "name")))
    assert text[place.column - 1 :].startswith('"name":"three"')


def test_several_broken_items_are_told_one_by_one() -> None:
    text = (
        "kind: List\napiVersion: v1\nitems:\n" + "- {\n- kind: ConfigMap\n  apiVersion: v1\n  metadata: {name: a}\n" * 3
    )
    found = decode("f", text.replace("name: a", "name: b", 1))
    assert [each.code.id for each in found.diagnostics] == ["ISTH0001"] * 3
    assert names(found) == ["b", "a", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "kind: List\nitems: [\n",
        "kind: List\nitems:\n- a: b\nmetadata: {\n",
        "kind: ConfigMap\nitems:\n- {\n",
        '{"kind": "List", "items": [{]}',
        '{"kind":"ConfigMap","apiVersion":"v1","items":[{"kind":"List","kind":"List"}]}',
        '{"kind":"List","items":[{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}},{"a":{]}',
    ],
)
def test_what_is_broken_elsewhere_is_told_as_it_is(text: str) -> None:
    found = decode("f", text)
    assert len(found.diagnostics) == 1
    assert not found.objects
