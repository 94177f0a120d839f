"""A file decoded from an earlier state of it is the same as decoded from scratch, and costs what changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isthmus.kube.files as files
from isthmus.kube.decode import Decoded, decode_document
from isthmus.kube.files import decode_file

PIECES = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: 1}\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
    "# a comment\n",
    "---\n",
    "--- # marker\n",
    "----\n",
    "...\n",
    "%YAML 1.1\n",
    "a: [\n",
    "a: 1\na: 2\n",
    "\n",
    "x",
    "\r\n",
    "-",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=4))
def test_any_sequence_of_texts_ends_as_from_scratch(texts: list[str]) -> None:
    file = None
    for text in texts:
        file = decode_file("f", text, file)
        assert file == decode_file("f", text)


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_edit_in_the_middle_ends_as_from_scratch(head: str, old: str, new: str, tail: str) -> None:
    before = decode_file("f", head + old + tail)
    assert decode_file("f", head + new + tail, before) == decode_file("f", head + new + tail)


DOCUMENTS = [f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}" for n in range(100)]
EDITS = {
    "one changed": ([*DOCUMENTS[:50], DOCUMENTS[50] + "\ndata: {}", *DOCUMENTS[51:]], 1),
    "one put in": ([*DOCUMENTS[:50], "apiVersion: v1\nkind: Secret\nmetadata: {name: s}", *DOCUMENTS[50:]], 1),
    "one taken out": ([*DOCUMENTS[:50], *DOCUMENTS[51:]], 0),
    "two changed places": ([DOCUMENTS[99], *DOCUMENTS[1:99], DOCUMENTS[0]], 2),
    "a comment on top": (["# hello\n" + DOCUMENTS[0], *DOCUMENTS[1:]], 1),
    "nothing": (DOCUMENTS, 0),
}


@pytest.mark.parametrize(("documents", "parsed"), EDITS.values(), ids=EDITS)
def test_only_what_changed_is_parsed(documents: list[str], parsed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = decode_file("f", "\n---\n".join(DOCUMENTS) + "\n")
    count = 0

    def counting(path: str, text: str, line: int) -> Decoded:
        nonlocal count
        count += 1
        return decode_document(path, text, line)

    monkeypatch.setattr(files, "decode_document", counting)
    after = decode_file("f", "\n---\n".join(documents) + "\n", before)
    assert count == parsed
    monkeypatch.undo()
    assert after == decode_file("f", "\n---\n".join(documents) + "\n")
