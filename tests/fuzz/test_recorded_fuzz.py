"""Whatever a request file holds: a request that can be written to a connection, or a sentence; never an exception.

Each line of the corpus runs by itself, cut short, and mutated: pieces taken out, doubled, swapped in from other lines.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.replay.answer import Answer, Base
from isthmus.replay.compare import Rules, Sides, compare
from isthmus.replay.json_path import parse_json_path, shown
from isthmus.replay.lines import parse_line
from isthmus.replay.render import printable
from isthmus.replay.request import Recorded, Unusable

FOLDER = Path(__file__).parent / "corpus" / "recorded"
LINES = [line for path in sorted(FOLDER.iterdir()) for line in path.read_bytes().split(b"\n")]
# file: requests, lines that are none
EXPECTED = {
    "ours.jsonl": (3, 0),
    "envoy.jsonl": (2, 0),
    "access.log": (2, 1),
    "upstreaminfo.log": (1, 0),
    "bytes": (0, 4),
}
TOKENS = [
    *(b'"', b"\\", b"\\x0a", b"\\xff", b"\r\n", b"\x00", b"\xff", b"[", b"]", b"{", b"}", b" ", b"- ", b"HTTP/1.1"),
    *(
        b'"path": "/',
        b'"host": "',
        b'"headers": {',
        b'"\\r\\nx: y"',
        b"\\ud83d",
        b"\\udc80",
        b"http://",
        b"@",
        b"*",
        b"#",
    ),
]
SIDES = Sides((Base("http", "127.0.0.1", 80),), (Base("https", "::1", 8443),))


def sane(line: bytes) -> Recorded | Unusable | None:
    """Everything that must hold for any line."""
    started = time.process_time()
    found = parse_line(line)
    assert time.process_time() - started < 2
    if isinstance(found, Unusable):
        assert found.problem and printable(found.problem).isprintable()
    if isinstance(found, Recorded):
        assert re.fullmatch(r"/[\x21-\x7e]*", found.target) and "#" not in found.target
        assert re.fullmatch(r"[!-~]+", found.method) and not re.search(r"[\s@/]", found.host)
        for name, value in found.headers:
            assert re.fullmatch(r"[!-~]+", name) and not re.search(r"[\r\n\0]", value)
            assert name not in ("host", "content-length", "transfer-encoding", "connection")
            value.encode()
        assert found.scheme in ("", "http", "https")
        hash(found)
    return found


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_corpus(name: str) -> None:
    found = [sane(line) for line in (FOLDER / name).read_bytes().split(b"\n")]
    assert tuple(sum(isinstance(each, kind) for each in found) for kind in (Recorded, Unusable)) == EXPECTED[name]


def test_every_file_of_the_corpus_is_expected() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("number", range(len(LINES)))
def test_cut_lines(number: int) -> None:
    for cut in range(len(LINES[number])):
        sane(LINES[number][:cut])


@pytest.mark.parametrize("piece", [b"[", b"a ", b'"', b"\\", b'" "', b"- ", b"{", b'{"a":'])
def test_long_lines_take_no_long_time(piece: bytes) -> None:
    sane(piece * 200_000)
    sane(LINES[0][:60] + piece * 60_000)
    sane(b"192.0.2.7 - - [x] " + piece * 60_000)


pieces = st.sampled_from(LINES).flatmap(
    lambda line: st.tuples(st.just(line), st.integers(0, len(line)), st.integers(0, len(line)))
)


@given(pieces, pieces, st.lists(st.sampled_from(TOKENS), max_size=4))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutations(one: tuple[bytes, int, int], other: tuple[bytes, int, int], tokens: list[bytes]) -> None:
    line, first, second = one
    start, end = sorted((first, second))
    swapped, *bounds = other
    low, high = sorted(bounds)
    for middle in (b"", line[start:end] * 2, swapped[low:high], b"".join(tokens)):
        sane(line[:start] + middle + line[end:])


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_random_bytes(line: bytes) -> None:
    sane(line)


_VALUES = st.text(max_size=20) | st.sampled_from(
    ["gzip", "application/json", "a=b; Path=/", "http://[", "//x:y/", "/a"]
)
_ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 204, 301, 404]),
    st.lists(
        st.tuples(
            st.sampled_from(["location", "set-cookie", "vary", "content-type", "content-encoding", "x"]), _VALUES
        ),
        max_size=4,
    ).map(tuple),
    st.binary(max_size=30) | st.sampled_from([b'{"a":[1]}', b"[" * 3000, b"null", b"\x1f\x8b\x08"]),
    st.sampled_from(["", "after 1 s"]),
)


@given(_ANSWERS, _ANSWERS)
@settings(max_examples=500, deadline=None)
def test_whatever_gateways_answer_is_compared(one: Answer, other: Answer) -> None:
    request = Recorded("GET", "a.test", "/x")
    assert compare(request, one, one, Sides(SIDES.old, SIDES.old), Rules()) == ()
    for each in compare(request, one, other, SIDES, Rules()):
        assert each.kind and all(printable(text).isprintable() for text in each)


@given(st.text(max_size=30) | st.lists(st.sampled_from("$.[]*'\"a0b-"), max_size=12).map("".join))
def test_paths_are_refused_or_name_something(text: str) -> None:
    path = parse_json_path(text)
    if path is not None and None not in path.steps:
        place = tuple(step for step in path.steps if step is not None)
        assert path.covers(place)
        if not any(isinstance(step, str) and "'" in step and '"' in step for step in place):
            assert parse_json_path(shown(place)) == path
