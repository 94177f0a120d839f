"""Whatever bytes come: path templates, streams of JSON and Connect's envelopes are parsed or refused, in bounded time.

Each file of the corpus runs by itself, then cut and mixed; however a body is cut into pieces, the values are the same.
"""

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.schema.envelopes import Envelope, Envelopes, enveloped
from isthmus.schema.httprule import TemplateError, parse
from isthmus.schema.json_stream import JsonStream
from isthmus.schema.status import RefusedError

CORPUS = Path(__file__).parent / "corpus"
TEMPLATES = {path.name: path.read_text() for path in sorted((CORPUS / "templates").iterdir())}
STREAMS = {path.name: path.read_bytes() for path in sorted((CORPUS / "json_streams").iterdir())}
ENVELOPES = {path.name: path.read_bytes() for path in sorted((CORPUS / "envelopes").iterdir())}
LIMIT = 1000


def sane_template(text: str) -> None:
    try:
        template = parse(text)
    except TemplateError as error:
        assert 0 <= error.at <= len(text)
        return
    pattern = re.compile(template.regex())
    path = template.expand({variable.name: "/".join(["x"] * len(variable.segments)) for variable in template.variables})
    for each in (path, "/", "/x", text):
        assert bool(pattern.fullmatch(each)) == (template.match(each) is not None)


def cut(content: bytes, sizes: list[int]) -> list[bytes] | str:
    """The values, fed in pieces of these sizes; why not."""
    stream, found, at = JsonStream(LIMIT), [], 0
    try:
        for size in [*sizes, len(content)]:
            found += stream.feed(content[at : at + size])
            at += size
        found += stream.finish()
    except RefusedError as error:
        return str(error)
    return found


def envelopes(content: bytes, sizes: list[int]) -> list[Envelope] | str:
    stream, found, at = Envelopes(LIMIT), [], 0
    try:
        for size in [*sizes, len(content)]:
            found += stream.feed(content[at : at + size])
            at += size
        stream.finish()
    except RefusedError as error:
        return str(error)
    return found


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES)
def test_templates(text: str) -> None:
    for end in range(len(text) + 1):
        sane_template(text[:end])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("array", [{"a": ']}"\\'}, [1, [2]], "x", 3, None]),
        ("lines", [{"a": 1}, {"b": {}}, {"c": []}]),
        ("sequence", [{"a": 1}, {"b": 2}]),
        ("concatenated", [{"a": 1}, {"b": 2}, [3]]),
        ("two-commas", "a comma without a message"),
        ("last-comma", "a comma before the end"),
        ("after", "something follows the array"),
        ("cut", "in the middle of a message"),
    ],
)
def test_streams(name: str, expected: object) -> None:
    content = STREAMS[name]
    whole, bytewise = cut(content, []), cut(content, [1] * len(content))
    if isinstance(expected, str):
        assert expected in whole and expected in bytewise
    else:
        assert [json.loads(each) for each in whole] == expected == [json.loads(each) for each in bytewise]


def test_the_limit_is_on_one_message() -> None:
    many = b'{"a":1}' * 1000
    assert len(cut(many, [100] * 70)) == 1000
    assert "larger than" in cut(b'{"a":"' + b"x" * 2000, [])


def test_values_come_as_soon_as_they_are_complete() -> None:
    stream = JsonStream(LIMIT)
    assert stream.feed(b'[{"a":1') == []
    assert stream.feed(b"}") == [b'{"a":1}']
    assert stream.feed(b',{"b":2},') == [b'{"b":2}']


def test_a_long_text_in_small_pieces_takes_linear_time() -> None:
    stream, started = JsonStream(10_000_000), time.process_time()
    stream.feed(b'{"a":"')
    for _ in range(20_000):
        stream.feed(b"\\n" * 100)
    assert stream.feed(b'"}')
    assert time.process_time() - started < 5


PIECES = st.sampled_from([*STREAMS.values(), b"[", b"]", b"{", b"}", b",", b'"', b"\\", b" ", b"1", b"\n", b'{"a":1}'])


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=6).map(b"".join), st.lists(st.integers(1, 9), max_size=30))
def test_cutting_changes_nothing(content: bytes, sizes: list[int]) -> None:
    whole, pieces = cut(content, []), cut(content, sizes)
    assert isinstance(whole, str) == isinstance(pieces, str)
    if not isinstance(whole, str):
        assert whole == pieces


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(list(TEMPLATES.values())) | st.text("/{}*=:.a%", max_size=6), max_size=3).map("".join))
def test_noise_in_templates(text: str) -> None:
    sane_template(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(list(ENVELOPES.values())) | st.binary(max_size=12), max_size=4).map(b"".join),
    st.lists(st.integers(1, 9), max_size=20),
)
def test_noise_in_envelopes(content: bytes, sizes: list[int]) -> None:
    whole, pieces = envelopes(content, []), envelopes(content, sizes)
    assert whole == pieces
    if not isinstance(whole, str):
        assert b"".join(enveloped(each.data, each.flags) for each in whole) == content


def test_envelopes() -> None:
    assert envelopes(ENVELOPES["three"], [1] * 20) == [Envelope(0, b"{}"), Envelope(1, b"abc"), Envelope(2, b"")]
    assert "larger than" in envelopes(ENVELOPES["long"], [])
    assert "unknown flags" in envelopes(ENVELOPES["flags"], [])
    assert "in the middle" in envelopes(ENVELOPES["cut"], [])
