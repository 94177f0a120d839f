"""Regular expressions of manifests: what RE2 does not have is named; how everything begins that the others take."""

from __future__ import annotations

import re

import pytest

from isthmus.dialects.ingress.grammar.regex import LONGEST, literal_start, re2_problem, whole


@pytest.mark.parametrize(
    "pattern",
    [
        "/foo(/|$)(.*)",
        "/[a-z0-9_-]+/?(.*)",
        "/v[0-9]{1,3}",
        "/(?P<id>[^/]+)/(?:x|y)",
        "/(?i:api)",
        r"/a\.b\-c\x2f\d\w\s\b",
        "/[]a]/[^]a]/[\\]a]",
        "/(a+)+$",
        "/a{2,}b*?c+?",
        "/{x}",
        "",
    ],
)
def test_what_re2_has(pattern: str) -> None:
    assert re2_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("/a(?=b)", "(?="),
        ("/(?!b)", "(?!"),
        ("/(?<=a)b", "(?<="),
        ("/(?<!a)b", "(?<!"),
        ("/(?>a)", "(?>"),
        ("/(?<n>a)", "(?P<"),
        ("/(?(1)a)", "(?("),
        ("/(?#a)", "(?#"),
        ("/(?i)a", "(?i)"),
        (r"/(a)\1", r"\1"),
        (r"/a\Qb\E", r"\Q"),
        (r"/\p{L}", r"\p"),
        (r"/\_", r"\_"),
        (r"/\u0041", r"\u"),
        (r"/\x4", r"\x"),
        ("/a++", "++"),
        ("/a*+", "*+"),
        ("/a{1,2}+", "{1,2}+"),
        ("/a{,2}", "{,n}"),
        ("/a{1001}", "{1001}"),
        ("/(a{100}){11}", "{11}"),
        ("/a**", "repeats nothing"),
        ("/(*)", "repeats nothing"),
        ("/[[:alpha:]]", "[ within a class"),
        ("/[a--b]", "--"),
        ("/[a", "[ is never closed"),
        ("/(a", "( is never closed"),
        ("/a)", ") closes nothing"),
        ("/a\\", "backslash"),
        ("/[z-a]", "cannot be read"),
        ("/[a-z]{1000}", "too large"),
        ("/" + "(" * 60 + ")" * 60, "nested"),
        ("/" + "a" * LONGEST, "longer than"),
        ("/ä", "printable ASCII"),
        ("/a\n", "printable ASCII"),
        ("/\x00", "printable ASCII"),
    ],
)
def test_the_part_that_re2_does_not_have_is_named(pattern: str, part: str) -> None:
    assert part in (re2_problem(pattern) or "")


@pytest.mark.parametrize(
    ("pattern", "start"),
    [
        ("/foo(/|$)(.*)", "/foo"),
        ("/a?b", "/"),
        ("/ab*", "/a"),
        ("/ab{0,2}", "/a"),
        ("/ab+", "/ab"),
        (r"/a\.b", "/a.b"),
        (r"/a\.?b", "/a"),
        ("/1.0", "/1"),
        ("/a|b", ""),
        ("/(a|b)", "/"),
        ("/[|]b", "/"),
        (r"/a[\](]|b", ""),
        (r"/\d", "/"),
        ("^/a", ""),
    ],
)
def test_how_everything_begins_that_an_expression_takes(pattern: str, start: str) -> None:
    assert literal_start(pattern) == start


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^a", "abc", True),
        ("c$", "abc", True),
        ("^a|x", "abc", True),
        ("(?i)B", "abc", True),
        ("B", "abc", False),
    ],
)
def test_an_expression_that_is_found_anywhere(pattern: str, text: str, found: bool) -> None:
    assert (re.fullmatch(whole(pattern), text) is not None) is found
