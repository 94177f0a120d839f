"""An expression for decoded paths takes a path however it is written: what nginx takes, and nothing else."""

from __future__ import annotations

import random
import re

import pytest

from isthmus.dialects.ingress.draft import PathKind
from isthmus.dialects.ingress.grammar.encoded_regex import BoundaryError, encoded_regex
from isthmus.dialects.ingress.grammar.regex import path_regex, re2_problem, sent_start
from isthmus.dialects.ingress.hosts.path_kinds import Unreadable, read_as

ATOMS = (
    *("a", "k", "S", "/", ".", "~", "@", ":", "+", "|", "!", "^", "\\$", "(?:x)", "(a|@b)", "(?i:y@)", "(?P<n>z)"),
    *("[a-z]", "[^/]", "[^a-z0-9_-]", "[]a]", "[^]a]", "[\\w.]", "[a\\-z]", "[@-Z]", "[^@]", "[%a]", "[^%]"),
    *("\\.", "\\d", "\\W", "\\b", "\\B", "\\x2f", "\\x40", "\\s", "\\n"),
)
REPETITIONS = ("", "", "", "", "*", "+", "?", "*?", "{2}", "{1,3}")
LETTERS = b"ak@:+S/.~%!$^z-_ \nyx0b9\xc3"
PLAIN = re.compile(rb"[A-Za-z0-9._~/-]")
EITHER = b"!$&'()*+,;=:@[]"  # Envoy leaves them as they come
SECONDS_OF_WORK = 4_000  # expressions


def expression(chance: random.Random) -> str:
    parts = (chance.choice(ATOMS) + chance.choice(REPETITIONS) for _ in range(chance.choice([1, 3, 6])))
    return "/" + "".join(parts) + chance.choice(["", "", "$"])


def written(path: bytes, chance: random.Random) -> str:
    """One way to write a path, as Envoy sees it."""
    parts = []
    for byte in path:
        plain = PLAIN.match(bytes([byte])) or (byte in EITHER and chance.random() < 0.5)
        parts.append(chr(byte) if plain else chance.choice(["%{:02X}", "%{:02x}"]).format(byte))
    return "".join(parts)


@pytest.mark.parametrize("seed", range(3))
def test_it_takes_what_nginx_takes_however_it_is_written(seed: int) -> None:
    chance = random.Random(seed)
    taken = 0
    for _ in range(SECONDS_OF_WORK):
        pattern = expression(chance)
        sent, problem = path_regex(pattern) if re2_problem(pattern) is None else ("", "unusable")
        if problem is not None:
            continue
        nginx = re.compile(f"(?is:{pattern})".encode())
        envoy = re.compile(f"(?i:{sent}).*")
        for _ in range(8):
            path = b"/" + bytes(chance.choice(LETTERS) for _ in range(chance.choice([1, 2, 4, 6])))
            text = written(path, chance)
            found = nginx.match(path) is not None
            taken += found
            assert (envoy.fullmatch(text) is not None) == found, (pattern, sent, path, text)
    assert taken > SECONDS_OF_WORK


@pytest.mark.parametrize(
    ("pattern", "sent"),
    [
        ("/api/v[0-9]+/.*", "/api/v[0-9]+/.*"),
        ("/users/([^/]+)/posts", "/users/([^/]+)/posts"),
        ("/users/@me/(.*)", "/users/(?:\\@|%40)me/(.*)"),
        ("/a.b", "/a(?:[!-$&-~]|%[!-~]{2})b"),
        ("/end$", "/end(?:(?:%0[aA])?$)"),
        ("/lines(?m:$)", "/lines(?m:(?:(?:%0[aA])?$|%0[aA]))"),
        ("/caf%C3%A9", "/caf(?:(?:%[Cc]3)|%25C3)(?:(?:%[Aa]9)|%25A9)"),
        ("/100%", "/100(?:%25)"),
        ("/a b", "/a(?:%20)b"),
        ("/word\\b", "/word\\b"),
        ("/(users|shops)\\b", "/(users|shops)\\b"),
    ],
)
def test_most_expressions_stay_as_they_are(pattern: str, sent: str) -> None:
    assert encoded_regex(pattern) == sent


@pytest.mark.parametrize("pattern", ["/@\\b", "/(a|@)\\b", "/@a?\\B", "/[^/]+\\b", "/(?:[^/]+|x)\\b", "/.\\b"])
def test_a_boundary_that_envoy_sees_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(BoundaryError):
        encoded_regex(pattern)
    assert isinstance(read_as(PathKind.REGEX, pattern), Unreadable)


@pytest.mark.parametrize(
    ("pattern", "start"), [("/a/@me/x", "/a/"), ("/a/b", "/a/b"), ("/a/%40", "/a/"), ("/(x)", "/"), ("/a b", "/a")]
)
def test_what_all_paths_begin_with_is_never_percent_encoded(pattern: str, start: str) -> None:
    assert sent_start(pattern) == start


def test_what_grows_too_large_is_told() -> None:
    assert re2_problem("/[^a]{300}") is None
    assert path_regex("/[^a]{300}x")[1] == "it is too large, by its repetitions or its classes"
