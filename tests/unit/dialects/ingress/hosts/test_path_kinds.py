"""Paths that are regular expressions, or whole paths, and what the backend sees then: with Python's re as the judge,
which agrees with RE2 on all that is let through."""

from __future__ import annotations

import re

import pytest

from isthmus.dialects.ingress.draft import Draft, PathKind
from isthmus.dialects.ingress.hosts.path_kinds import Unreadable, read_as, rewrite_of
from isthmus.ir.action import Rewrite
from isthmus.ir.match import Exact, Pattern

REGEX, ANY_CASE = PathKind.REGEX, PathKind.REGEX_ANY_CASE


@pytest.mark.parametrize(
    ("kind", "path", "takes", "leaves"),
    [
        (REGEX, "/tea/[A-Z0-9]+", ["/tea/A1", "/tea/A1/x", "/tea/Ax"], ["/tea/a", "/x/tea/A", "/TEA/A1"]),
        (ANY_CASE, "/tea/[A-Z0-9]+", ["/tea/a", "/TEA/A1"], ["/x/tea/A", "/tea/"]),
        (REGEX, "/tea/?$", ["/tea", "/tea/"], ["/tea/x"]),
        (REGEX, "/a|/b", ["/a", "/bc"], ["/c", "/c/b"]),
    ],
)
def test_regular_expressions_are_for_the_beginning(
    kind: PathKind, path: str, takes: list[str], leaves: list[str]
) -> None:
    found = read_as(kind, path)
    assert isinstance(found, Pattern)
    assert all(re.fullmatch(found.regex, each) and each.startswith(found.path) for each in takes)
    assert not any(re.fullmatch(found.regex, each) for each in leaves)


def test_whole_paths() -> None:
    assert read_as(PathKind.EXACT, "/tea") == Exact("/tea")


@pytest.mark.parametrize("path", ["/(?=x)", r"/(a)\1", "/(", "/a{1001}", "/" + "a" * 1_001, r"/\p{L}", "/a++"])
def test_what_re2_cannot_do_is_no_path(path: str) -> None:
    assert isinstance(read_as(REGEX, path), Unreadable)


def rewritten(rewrite: Rewrite, path: str) -> str:
    """As Envoy's regex_rewrite does it."""
    return re.sub(rewrite.pattern, rewrite.substitution, path)


@pytest.mark.parametrize(
    ("draft", "path", "asked", "seen"),
    [
        (Draft("tea", new_path="/beans"), "/tea", "/tea/green", "/beans"),
        (Draft("tea", new_path="/b/$1", path_kind=REGEX), "/tea/(.*)", "/tea/green/x", "/b/green/x"),
        (Draft("tea", new_path="/$2/$1", path_kind=REGEX), "/(a)/(b+)", "/a/bb/rest", "/bb/a"),
        (Draft("tea", new_path="/b/$1", path_kind=ANY_CASE), "/tea/(.*)", "/TEA/Green", "/b/Green"),
        (Draft("tea", new_path="/b/$1/$2", path_kind=REGEX), "/tea/(.*)", "/tea/x", "/b/x/"),
        (Draft("tea", new_path="/b/$1", path_kind=REGEX), "/tea", "/tea/x", "/b/"),
        (Draft("tea", new_path="/b", path_kind=PathKind.EXACT), "/tea", "/tea", "/b"),
    ],
)
def test_new_paths(draft: Draft, path: str, asked: str, seen: str) -> None:
    rewrite = rewrite_of(draft, path)
    assert isinstance(rewrite, Rewrite)
    assert rewritten(rewrite, asked) == seen


def test_new_beginnings_and_none() -> None:
    assert rewrite_of(Draft("tea", new_prefix="/b"), "/tea") == Rewrite("/b")
    assert rewrite_of(Draft("tea", new_prefix="/b/"), "/") == Rewrite("/b/")
    assert rewrite_of(Draft("tea"), "/tea") is None


@pytest.mark.parametrize(("asked", "seen"), [("/te.a/x", "/b/x"), ("/te.a/", "/b/"), ("/te.a", "/b/")])
def test_a_beginning_with_a_slash_at_its_end_is_replaced_with_the_slash(asked: str, seen: str) -> None:
    rewrite = rewrite_of(Draft("tea", new_prefix="/b/"), "/te.a/")
    assert isinstance(rewrite, Rewrite)
    assert rewritten(rewrite, asked) == seen
