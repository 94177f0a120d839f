"""htpasswd files: which users can log in, and which lines let nobody in."""

from __future__ import annotations

import pytest
from htpasswd_hashes import HASHES, UNUSABLE
from hypothesis import given
from hypothesis import strategies as st

from isthmus.ir import htpasswd

GOOD = HASHES["apr1"]


@pytest.mark.parametrize("value", HASHES.values(), ids=HASHES)
def test_hashes_that_can_be_judged(value: str) -> None:
    assert htpasswd.problem(value) == ""


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_hashes_that_cannot_be_judged(value: str) -> None:
    assert htpasswd.problem(value)


@pytest.mark.parametrize(
    ("text", "users", "problems"),
    [
        ("", [], 0),
        ("# remark\n\n", [], 0),
        (f"ann:{GOOD}", ["ann"], 0),
        (f"ann:{GOOD}\r\nbob:{GOOD}\r\n", ["ann", "bob"], 0),
        (f"  ann:{GOOD}  ", ["ann"], 0),
        (f"ann:{GOOD}:Ann of Accounts\nbob:{GOOD} # since May", ["ann", "bob"], 0),
        (f"ann:plain\nbob:{GOOD}", ["bob"], 1),
        ("ann", [], 1),
        (f":{GOOD}", [], 1),
        (f"a\0nn:{GOOD}", [], 1),
        (f"{'x' * 256}:{GOOD}", [], 1),
        (f"ünal:{GOOD}", ["ünal"], 0),
    ],
)
def test_files(text: str, users: list[str], problems: int) -> None:
    found = htpasswd.parse(text)
    assert ([name for name, _ in found.users], len(found.problems)) == (users, problems)


def test_the_first_line_of_a_user_counts() -> None:
    assert htpasswd.parse(f"ann:{GOOD}\nann:{HASHES['des']}").users == (("ann", GOOD),)


def test_problems_show_no_secret() -> None:
    found = htpasswd.parse("ann:hunter2\nbob:{PLAIN}hunter2")
    assert len(found.problems) == 2
    assert "hunter2" not in "".join(found.problems)
    assert GOOD not in repr(htpasswd.parse(f"ann:{GOOD}"))


def test_there_is_a_limit() -> None:
    text = "\n".join(f"u{number}:{HASHES['des']}" for number in range(htpasswd.MOST_USERS + 2))
    found = htpasswd.parse(text)
    assert (len(found.users), len(found.problems)) == (htpasswd.MOST_USERS, 2)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    found = htpasswd.parse(text)
    assert all(htpasswd.problem(value) == "" and name for name, value in found.users)
