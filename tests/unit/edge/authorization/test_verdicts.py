"""Verdicts that are kept: for how long, for whom, and never for anybody else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from isthmus.edge.authorization import verdicts
from isthmus.edge.authorization.question import Answer
from isthmus.edge.authorization.request import Request
from isthmus.edge.authorization.verdicts import Verdicts
from isthmus.ir.authorization import Authorization, CacheTime, Question
from isthmus.ir.template import Of, Variable

TIMES = (CacheTime((200, 202, 401), 300),)
ASKED = Question(
    None, ("a",), ("/",), cache_key=(Variable(Of.COOKIE, "s"),), cache_times=TIMES, pass_headers=("X-User",)
)
POLICY = Authorization("n/i", question=ASKED)
REQUEST = Request("GET", "/", "shop.test", {"cookie": "s=1", "origin": "x"}, place="rule 0")
ANSWER = Answer(200, (("x-user", "ann"),))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> Verdicts:
    return Verdicts(clock)


def keep(kept: Verdicts, answer: Answer, asked: Question = ASKED) -> Answer | None:
    kept.keep(POLICY, asked, REQUEST, answer)
    return kept.find(POLICY, asked, REQUEST)


def test_it_is_kept_for_its_time(kept: Verdicts, clock: Clock) -> None:
    assert keep(kept, ANSWER) == ANSWER
    clock.now = 299.9
    assert kept.find(POLICY, ASKED, REQUEST) == ANSWER
    clock.now = 300.0
    assert kept.find(POLICY, ASKED, REQUEST) is None


@pytest.mark.parametrize(
    "other",
    [
        REQUEST._replace(headers={"cookie": "s=2"}),
        REQUEST._replace(headers={}),
        REQUEST._replace(place="rule 1"),
        REQUEST._replace(authority="other.test"),
    ],
)
def test_it_is_for_nobody_else(kept: Verdicts, other: Request) -> None:
    keep(kept, ANSWER)
    assert kept.find(POLICY, ASKED, other) is None
    assert kept.find(replace(POLICY, place="n/j"), ASKED, REQUEST) is None


def test_parts_of_a_key_do_not_run_together(kept: Verdicts) -> None:
    keep(kept, ANSWER)
    shifted = REQUEST._replace(place="rule 0shop.test", authority="")
    assert kept.find(POLICY, ASKED, shifted) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), 300),
        ((("set-cookie", "a=1"),), 0),
        ((("cache-control", "no-store"),), 0),
        ((("cache-control", "public, no-cache"),), 0),
        ((("cache-control", "Private"),), 0),
        ((("cache-control", 'private="x-user"'),), 0),
        ((("cache-control", "max-age=10"),), 10),
        ((("cache-control", "max-age=0"),), 0),
        ((("cache-control", "public"), ("cache-control", "s-maxage=7, max-age=10")), 7),
        ((("cache-control", "max-age=10"), ("x-accel-expires", "20")), 20),
        ((("x-accel-expires", "0"),), 0),
        ((("x-accel-expires", "@123"),), 0),
        ((("expires", "Thu, 01 Jan 2099 00:00:00 GMT"),), 0),
        ((("vary", "*"),), 0),
        ((("x-large", "x" * 20_000),), 0),
    ],
)
def test_what_the_answer_says_itself(
    kept: Verdicts, clock: Clock, headers: tuple[tuple[str, str], ...], seconds: int
) -> None:
    found = keep(kept, Answer(200, headers))
    assert (found is not None) == (seconds > 0)
    clock.now = seconds - 0.1
    assert (kept.find(POLICY, ASKED, REQUEST) is not None) == (seconds > 0)
    clock.now = seconds
    assert kept.find(POLICY, ASKED, REQUEST) is None


@pytest.mark.parametrize(("status", "there"), [(200, True), (202, True), (401, True), (403, False), (500, False)])
def test_by_status(kept: Verdicts, status: int, there: bool) -> None:
    assert (keep(kept, Answer(status, ())) is not None) is there


def test_any_status(kept: Verdicts) -> None:
    assert keep(kept, Answer(403, ()), replace(ASKED, cache_times=(CacheTime((), 1),))) is not None


def test_without_a_key_nothing_is_kept(kept: Verdicts) -> None:
    assert keep(kept, ANSWER, replace(ASKED, cache_key=())) is None


def test_an_answer_that_varies_is_for_the_same_values(kept: Verdicts) -> None:
    keep(kept, Answer(200, (("vary", "Origin, X-Other"),)))
    assert kept.find(POLICY, ASKED, REQUEST) is not None
    other = REQUEST._replace(headers={**REQUEST.headers, "origin": "y"})
    assert kept.find(POLICY, ASKED, other) is None


def test_only_what_is_used_is_kept(kept: Verdicts) -> None:
    found = keep(kept, Answer(401, (("x-user", "a"), ("www-authenticate", "Basic"), ("x-secret", "s"))))
    assert found == Answer(401, (("x-user", "a"), ("www-authenticate", "Basic")))


def test_memory_is_bounded(kept: Verdicts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "_MOST", 3)
    requests = [REQUEST._replace(headers={"cookie": f"s={number}"}) for number in range(5)]
    for each in requests:
        kept.keep(POLICY, ASKED, each, ANSWER)
    assert [kept.find(POLICY, ASKED, each) is not None for each in requests] == [False, False, True, True, True]
