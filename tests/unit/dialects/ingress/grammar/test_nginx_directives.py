"""nginx's configuration language: every character counts, and what is no simple directive is a fault with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.dialects.ingress.grammar.nginx_directives import Directive, Fault, directives, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  # only a comment", []),
        (";;", []),
        ("a b;", [("a", ("b",), 1)]),
        ("a b;c;", [("a", ("b",), 1), ("c", (), 1)]),
        ("\n a\n b\r\n;\nc d ;", [("a", ("b",), 2), ("c", ("d",), 5)]),
        ("a 'b c' \"d;e{\";", [("a", ("b c", "d;e{"), 1)]),
        (r'a "say \"x\" \\ \t";', [("a", ('say "x" \\ \t',), 1)]),
        (r"a b\;c b\ c;", [("a", (r"b\;c", r"b\ c"), 1)]),
        ("a ${host}b;", [("a", ("${host}b",), 1)]),
        ("a b#c;", [("a", ("b#c",), 1)]),
        ("a b'c;", [("a", ("b'c",), 1)]),
        ("a b; # c;\nd;", [("a", ("b",), 1), ("d", (), 2)]),
        ("a ^/(.*)$ /x/$1;", [("a", ("^/(.*)$", "/x/$1"), 1)]),
    ],
)
def test_directives(text: str, expected: list[tuple[str, tuple[str, ...], int]]) -> None:
    assert directives(text) == tuple(Directive(*each) for each in expected)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a b", 1, "a has no semicolon"),
        ("a;\n\nb c", 3, "b has no semicolon"),
        ('a "b;\nc;', 1, "does not end"),
        ("a 'b", 1, "does not end"),
        ("a \\", 1, "does not end"),
        ("a;\nif ($host) { return 403; }", 2, "if opens a block"),
        ("{", 1, "{"),
        ("a; }", 1, "}"),
        ('a "b"c;', 1, "a quote that is followed"),
        ("a" * 40_000, 1, "longer"),
    ],
)
def test_faults(text: str, line: int, reason: str) -> None:
    found = directives(text)
    assert isinstance(found, Fault)
    assert found.line == line
    assert reason in found.reason


def test_words() -> None:
    assert words('a "b c" $d') == ("a", "b c", "$d")
    assert isinstance(words("a;"), Fault)


@given(st.text() | st.text(alphabet="ab \"'\\;{}$#\n"))
def test_any_text_is_directives_or_a_fault(text: str) -> None:
    found = directives(text)
    assert isinstance(found, Fault) or all(each.name or each.args == () for each in found)


@given(st.lists(st.text(alphabet="ab;{}#' $", min_size=0), min_size=1, max_size=5))
def test_nothing_quoted_is_lost(args: list[str]) -> None:
    text = "x " + " ".join(f'"{arg}"' for arg in args) + ";"
    assert directives(text) == (Directive("x", tuple(args), 1),)
