"""Random annotations in every style: what is dropped is gone, all else reads as before, no comment is lost."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.kube.decode import decode
from isthmus.kube.documents import split
from isthmus.kube.objects import Ingress
from isthmus.kube.refs import FieldPath, Source
from isthmus.kube.yaml_edits import Drop, Rename, edited

KEYS = [f"a.test/key-{number}" for number in range(6)]
VALUES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\"\\"), min_size=1, max_size=20)
STYLES = ("double", "single", "block", "folded")
HEAD = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n"


def _written(value: str, style: str) -> str:
    if style == "single":
        return f"'{value}'  # of {len(value)}"
    if style == "block":
        return f"|-\n      {value}"
    if style == "folded":
        return f"'{value}\n\n      # {value}'"
    return json.dumps(value, ensure_ascii=False)


@st.composite
def manifests(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A manifest and its keys. Comments stand on lines of their own, named after the key below."""
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    if draw(st.booleans()):
        pairs = (", " if draw(st.booleans()) else ",\n    ").join(
            f"{key}: {json.dumps(draw(VALUES), ensure_ascii=False)}" for key in keys
        )
        return f"{HEAD}  annotations: {{{pairs}}}\n", keys
    lines = []
    for key in keys:
        if draw(st.booleans()):
            lines.append(f"{draw(st.sampled_from(['', chr(10)]))}    # about {key}\n")
        shown = draw(st.sampled_from([key, f"'{key}'", f'"{key}"']))
        lines.append(f"    {shown}: {_written(draw(VALUES), draw(st.sampled_from(STYLES)))}\n")
    return f"{HEAD}  annotations:\n{''.join(lines)}  labels: {{}}\n", keys


def _annotations(text: str) -> dict[str, str]:
    (found,) = decode("f", text).objects
    assert isinstance(found, Ingress)
    return found.metadata.annotations


@settings(max_examples=300, deadline=None)
@given(manifests(), st.sets(st.sampled_from(KEYS), min_size=1), st.booleans())
def test_only_what_is_asked_for_changes(made: tuple[str, list[str]], asked: set[str], rename: bool) -> None:
    text, keys = made
    gone = frozenset(asked & set(keys))
    left = [key for key in keys if key not in gone]
    before = _annotations(text)
    where = FieldPath(("metadata", "annotations"))
    edits: list[Drop | Rename] = [Drop(where, gone)] if gone else []
    expected = {key: before[key] for key in left}
    if rename and left:
        edits.append(Rename(where, left[0], "b.test/new"))
        expected["b.test/new"] = expected.pop(left[0])
    after = edited(text, [(Source("f", split(text)[0].line), edits)])
    assert after is not None
    assert _annotations(after) == expected
    comments = [line for line in text.splitlines() if line.startswith("    # about")]
    assert [line for line in after.splitlines() if line.startswith("    # about")] == comments
