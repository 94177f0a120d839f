"""Changes of single entries: what goes, what comes, and that every other character stays."""

from __future__ import annotations

import textwrap

import pytest

from isthmus.kube.documents import split
from isthmus.kube.refs import FieldPath, Source
from isthmus.kube.yaml_edits import Drop, Edit, Put, Rename, edited

A = FieldPath(("metadata", "annotations"))
SPEC = FieldPath(("spec",))

BLOCK = """\
# head
metadata:
  name: x
  annotations:
    # about one
    a/one: "1"  # trailing

    # about two
    a/two: |
      text # no comment
      # nor this

    # about three
    "a/three": plain
    a/four: folded
      over lines
    a/five:
  labels: {}  # the end
spec:
  # the rules
  rules: []
"""


def change(text: str, *edits: Edit, document: int = 0, item: int = -1) -> str | None:
    return edited(text, [(Source("f", split(text)[document].line, item), edits)])


def drop(*keys: str) -> Drop:
    return Drop(A, frozenset(keys))


def lost(text: str, after: str | None) -> list[str]:
    """The lines that are gone, after nothing else has changed."""
    assert after is not None
    rest = after.splitlines()
    gone = []
    for line in text.splitlines():
        if rest and line == rest[0]:
            rest.pop(0)
        else:
            gone.append(line.strip())
    assert not rest, f"new lines: {rest}"
    return gone


@pytest.mark.parametrize(
    ("keys", "gone"),
    [
        pytest.param(["a/one"], ['a/one: "1"  # trailing'], id="scalar-with-its-comment"),
        pytest.param(["a/two"], ["a/two: |", "text # no comment", "# nor this"], id="block-scalar"),
        pytest.param(["a/three"], ['"a/three": plain'], id="quoted-key"),
        pytest.param(["a/four"], ["a/four: folded", "over lines"], id="folded-plain"),
        pytest.param(["a/five"], ["a/five:"], id="empty-value"),
        pytest.param(["a/one", "a/five"], ['a/one: "1"  # trailing', "a/five:"], id="two"),
    ],
)
def test_dropping_lines(keys: list[str], gone: list[str]) -> None:
    assert lost(BLOCK, change(BLOCK, drop(*keys))) == gone


def test_a_mapping_that_would_be_empty_goes_and_its_comments_stay() -> None:
    after = change(BLOCK, drop("a/one", "a/two", "a/three", "a/four", "a/five"))
    assert after is not None and "annotations" not in after
    assert all(comment in after for comment in ("# about one", "# about two", "# about three", "# the end"))


def test_last_line_without_a_line_break() -> None:
    text = "metadata:\n  annotations:\n    a: b\n    c: d"
    assert change(text, drop("c")) == "metadata:\n  annotations:\n    a: b\n"
    assert change(text, drop("a")) == "metadata:\n  annotations:\n    c: d"


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        pytest.param("{a: 1, b: 2, c: 3}", "a", "{b: 2, c: 3}", id="first"),
        pytest.param("{a: 1, b: 2, c: 3}", "b", "{a: 1, c: 3}", id="middle"),
        pytest.param("{a: 1, b: 2, c: 3}", "c", "{a: 1, b: 2}", id="last"),
        pytest.param("{a: 1, b: 2, c: 3}", "ac", "{b: 2}", id="first-and-last"),
        pytest.param("{a: 1, b: 2, c: 3}", "bc", "{a: 1}", id="last-two"),
        pytest.param('{"a":1,"b":2}', "a", '{"b":2}', id="json"),
        pytest.param('{"a": "x, {y}",\n   "b": 2}', "a", '{"b": 2}', id="several-lines"),
    ],
)
def test_dropping_in_braces(before: str, keys: str, after: str) -> None:
    frame = '{{"metadata": {{"annotations": {}, "name": "x"}}}}'
    assert change(frame.format(before), drop(*keys)) == frame.format(after)
    assert change(frame.format(before), drop(*"ab" if before.count(":") == 2 else "abc")) == frame.format("").replace(
        '"annotations": , ', ""
    )


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        pytest.param(Rename(A, "a/one", "b/x"), 'a/one: "1"  # t', 'b/x: "1"  # t', id="key-only"),
        pytest.param(Rename(A, "a/one", "b/x", "on"), 'a/one: "1"  # t', 'b/x: "on"  # t', id="with-value"),
        pytest.param(Rename(A, "a/three", "b/x"), '"a/three": plain', '"b/x": plain', id="quoted"),
        pytest.param(Rename(A, "a/two", "b/x"), "a/two: |", "b/x: |", id="block-scalar-kept"),
        pytest.param(Put(SPEC, "k", "nginx"), "  rules: []", "  k: nginx\n  rules: []", id="put"),
        pytest.param(Put(SPEC, "k", "on"), "  rules: []", '  k: "on"\n  rules: []', id="put-a-word-that-is-none"),
    ],
)
def test_one_place_changes(edit: Edit, old: str, new: str) -> None:
    assert BLOCK.count(old) == 1
    assert change(BLOCK, edit) == BLOCK.replace(old, new)


def test_put_in_braces() -> None:
    assert change('{"spec": {"rules": []}}', Put(SPEC, "k", "v")) == '{"spec": {"k": "v", "rules": []}}'
    assert change("spec: {rules: []}\n", Put(SPEC, "k", "v")) == "spec: {k: v, rules: []}\n"


def test_documents_and_items_of_lists() -> None:
    item = "metadata:\n  annotations:\n    a: b\n    c: d\n"
    listed = textwrap.indent(item, "  ").replace("  metadata", "- metadata")
    text = f"---\nitems:\n{listed}{listed}---\nmetadata: {{annotations: {{a: b, c: d}}}}\n"
    first, second = split(text)
    places = [(Source("f", first.line, 1), [drop("a")]), (Source("f", second.line), [drop("c")])]
    assert edited(text, places) == text[: text.rindex("      a: b")] + "      c: d\n" + (
        "---\nmetadata: {annotations: {a: b}}\n"
    )


IMPOSSIBLE = {
    "no-such-key": (BLOCK, drop("a/six")),
    "no-such-mapping": (BLOCK, Drop(FieldPath(("status",)), frozenset({"a"}))),
    "no-such-item": (BLOCK, Drop(FieldPath(("items", 3, "a")), frozenset({"a"}))),
    "alias": ("a: &a {x: y, z: w}\nmetadata: {annotations: *a, n: 1}\n", drop("x")),
    "merged": ("a: &a {x: y, z: w}\nmetadata: {annotations: {<<: *a, b: c}, n: 1}\n", drop("x")),
    "explicit-key": ("metadata:\n  annotations:\n    ? a\n    : b\n    c: d\n", drop("a")),
    "in-a-list-item": ("metadata:\n  annotations:\n  - a: b\n    c: d\n", drop("a")),
    "the-only-entry-of-all": ("metadata:\n  annotations:\n    a: b\n", drop("a")),
    "empty-spec": ("spec: {}\n", Put(SPEC, "k", "v")),
    "value-of-a-block-scalar": (BLOCK, Rename(A, "a/two", "b", "c")),
    "broken": ("metadata: {annotations: {a: b", drop("a")),
}


@pytest.mark.parametrize(("text", "edit"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_changed_is_left(text: str, edit: Edit) -> None:
    assert change(text, edit) is None


def test_a_document_that_is_not_there() -> None:
    assert edited(BLOCK, [(Source("f", 99), [drop("a/one")])]) is None


def test_overlapping_changes() -> None:
    assert change(BLOCK, drop("a/one"), Rename(A, "a/one", "b")) is None


def test_other_scripts_before_the_place() -> None:
    text = "# \u00e9\U0001f600\nmetadata:\n  annotations:\n    \U0001f600: '\u00e9\u2028 x\u0085'\n    a: b\n"
    assert change(text, drop("a")) == text.replace("    a: b\n", "")
