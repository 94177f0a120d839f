"""Whatever a mapping file holds: no exception, bounded time, rules or errors with a place, never both.

Each file of the corpus runs by itself, cut short, and mutated: pieces taken out, doubled, swapped in from other files.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.schema import httprule
from isthmus.schema.mapping import Mapping, parse_mapping

CORPUS = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus" / "mapping").iterdir())}
GOOD = {"service.yaml": 2, "rules.json": 1, "anchors.yaml": 0}
TOKENS = [
    *(b"\n", b"  ", b"- ", b": ", b"{", b"}", b"[", b"]", b'"', b"'", b"&a ", b"*a", b"<<: ", b"~", b"? ", b"\x00"),
    *(b"\xff", b"\t", b"get: /", b"custom: ", b"selector: ", b"additional_bindings: ", b"{x=**}", b":verb", b"!!set "),
    *(b"\x1b[31m", b"---\n", b"\\ud83d", b"!!binary ", b"%YAML 9\n"),
]


def sane(content: bytes) -> Mapping:
    """Everything that must hold for any content."""
    started = time.process_time()
    made = parse_mapping(content, "m.yaml")
    assert time.process_time() - started < 5
    assert not (made.rules and made.errors)
    for error in made.errors:
        assert re.match(r"m\.yaml(:[1-9]\d*:[1-9]\d*)?: \S", error) and error.isprintable()
    for selector, bindings in made.rules.items():
        assert selector and bindings
        for binding in bindings:
            assert httprule.parse(binding.template).text == binding.template and binding.source == "mapping"
    return made


@pytest.mark.parametrize("name", CORPUS)
def test_corpus(name: str) -> None:
    made = sane(CORPUS[name])
    assert len(made.rules) == GOOD.get(name, 0) and bool(made.rules) is not bool(made.errors)
    for cut in range(len(CORPUS[name])):
        sane(CORPUS[name][:cut])


def test_deep_and_long() -> None:
    sane(b"[" * 100_000)
    sane(b"http: " + b"{rules: " * 5_000)
    sane(b"http: {rules: [{selector: a.B.C, get: " + b"/a" * 100_000 + b"}]}")


pieces = st.sampled_from([*CORPUS.values()]).flatmap(
    lambda content: st.tuples(st.just(content), st.integers(0, len(content)), st.integers(0, len(content)))
)


@given(pieces, pieces, st.lists(st.sampled_from(TOKENS), max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutations(one: tuple[bytes, int, int], other: tuple[bytes, int, int], tokens: list[bytes]) -> None:
    content, first, second = one
    start, end = sorted((first, second))
    swapped, *bounds = other
    low, high = sorted(bounds)
    for middle in (b"", content[start:end] * 2, swapped[low:high], b"".join(tokens)):
        sane(content[:start] + middle + content[end:])


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_bytes(content: bytes) -> None:
    sane(content)
