"""Whatever bytes come in: no exception, bounded time, findings that can be printed and that point into the file.

Each file of the corpus runs by itself, then mutated: pieces cut out, doubled, swapped in from other files.
"""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.edge.file_reader import file_of
from isthmus.kube.codes import UNUSED_KIND
from isthmus.kube.documents import split
from isthmus.kube.files import File
from isthmus.kube.manifests import Manifests
from isthmus.kube.positions import Positions
from isthmus.kube.refs import FieldPath
from isthmus.kube.render import render_json, render_text
from isthmus.kube.yaml import parse

CORPUS = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus" / "yaml").iterdir())}
TOKENS = [
    *(b"\n", b"---\n", b"...\n", b"- ", b": ", b"&a ", b"*a", b"<<: ", b"{", b"}", b"[", b"]", b'"', b"'", b"|\n"),
    *(b"\t", b"!!str ", b"? ", b"%YAML 9\n", b"#", b"\x00", b"\xff", b"\r", b"\\ud83d", b"on", b"010", b"  "),
    *(b"kind: List\n", b"\x1b[31m"),
]


def sane(content: bytes, before: File | None = None) -> File:
    """Everything that must hold for any content."""
    started = time.process_time()
    file = file_of("f.yaml", content, before)
    step = Manifests(0).step({"f.yaml": file}, (), 0)
    assert time.process_time() - started < 5
    lines = 1 + sum(file.text.count(each) for each in "\n\x85\u2028\u2029")  # YAML 1.1 breaks lines at all four
    for diagnostic in step.diagnostics:
        render_json(diagnostic)
        shown = render_text(diagnostic).split("\n")
        assert len(shown) == (1 if diagnostic.code is UNUSED_KIND else 3)
        assert "".join(shown).isprintable()
        assert "{" not in diagnostic.code.help or diagnostic.help
        assert diagnostic.pos is not None and diagnostic.pos.file == "f.yaml"
        if file.fault is None:
            assert 1 <= diagnostic.pos.line <= lines
    positions = Positions({"f.yaml": file.text})
    for obj in step.upserts:
        assert obj.metadata.name and obj.source is not None
        assert 1 <= positions.of(obj.source, FieldPath(("metadata", "name"))).line <= lines
    assert file == file_of("f.yaml", content, None), "as from scratch"
    return file


@pytest.mark.parametrize("content", CORPUS.values(), ids=CORPUS)
def test_corpus(content: bytes) -> None:
    sane(content)
    for cut in range(0, len(content), 7):
        sane(content[:cut])


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in ("bytes.yaml", "deep.yaml")])
def test_both_parsers_agree_on_the_corpus(name: str) -> None:
    text = file_of(name, CORPUS[name], None).text
    for document in split(text):
        part = text[document.start : document.end]
        one, other = parse(part), parse(part, pure=True)
        assert one.value == other.value
        assert (one.problem and one.problem.code) == (other.problem and other.problem.code)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    content = draw(st.sampled_from(list(CORPUS.values())))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 0, 1, 3, 20, 200])))
        other = draw(st.sampled_from(list(CORPUS.values())))
        at = draw(st.integers(0, len(other)))
        piece = draw(st.sampled_from([b"", content[start:end] * 2, other[at : at + 30], *TOKENS]))
        content = content[:start] + piece + content[end:]
    return content


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_mutations(content: bytes) -> None:
    sane(content)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(), mutated())
def test_any_file_may_follow_any_other(before: bytes, after: bytes) -> None:
    sane(after, file_of("f.yaml", before, None))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(TOKENS)).map(b"".join), st.binary()))
def test_noise(content: str | bytes) -> None:
    sane(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
