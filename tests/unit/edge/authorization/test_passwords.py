"""Passwords judged once: what is remembered, what is not, and who takes how long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from htpasswd_hashes import HASHES, PASSWORD

from isthmus.edge.authorization import passwords
from isthmus.edge.authorization.basic import Credentials
from isthmus.edge.authorization.passwords import BusyError, Passwords

USERS = {"ann": HASHES["bcrypt"], "bob": HASHES["apr1"]}
ANN = Credentials("ann", PASSWORD)


class Judge:
    """Counts what is judged in place of judging it: one password is right. May be told to wait."""

    def __init__(self) -> None:
        self.judged: list[tuple[bytes, str]] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, password: bytes, value: str) -> bool:
        self.free.wait(20)
        self.judged.append((password, value))
        return password == PASSWORD


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    found = Judge()
    monkeypatch.setattr(passwords, "fits", found)
    return found


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def judged(now: list[float]) -> Iterator[Passwords]:
    found = Passwords(lambda: now[0])
    yield found
    found.close()


async def test_real_hashes(judged: Passwords) -> None:
    given = [ANN, Credentials("bob", PASSWORD), Credentials("ann", b"x"), Credentials("eve", PASSWORD)]
    assert [await judged.right(USERS, each) for each in given] == [True, True, False, False]


async def test_a_verdict_is_remembered_for_a_minute(judged: Passwords, judge: Judge, now: list[float]) -> None:
    assert [await judged.right(USERS, ANN) for _ in range(3)] == [True] * 3
    assert [await judged.right(USERS, Credentials("ann", b"x")) for _ in range(3)] == [False] * 3
    assert len(judge.judged) == 2
    now[0] = 61.0
    assert await judged.right(USERS, ANN)
    assert len(judge.judged) == 3


async def test_a_changed_hash_is_judged_anew(judged: Passwords, judge: Judge) -> None:
    assert await judged.right(USERS, ANN)
    assert await judged.right({**USERS, "ann": HASHES["des"]}, ANN)
    assert len(judge.judged) == 2


async def test_names_and_passwords_do_not_run_together(judged: Passwords, judge: Judge) -> None:
    users = {"a": "h", "ab": "h"}
    await judged.right(users, Credentials("a", b"bc"))
    await judged.right(users, Credentials("ab", b"c"))
    assert len(judge.judged) == 2


async def test_the_same_at_once_is_judged_once(judged: Passwords, judge: Judge) -> None:
    judge.free.clear()
    waiting = [asyncio.create_task(judged.right(USERS, ANN)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one that gives up does not take it from the others
    judge.free.set()
    assert await asyncio.gather(*waiting[1:]) == [True] * 4
    assert len(judge.judged) == 1


async def test_an_unknown_user_costs_what_a_known_one_does(judged: Passwords, judge: Judge) -> None:
    for name in ("eve", "mallory"):
        assert not await judged.right(USERS, Credentials(name, PASSWORD))  # right for the hash that stands in
    assert len(judge.judged) == 2
    assert {value for _, value in judge.judged} <= set(USERS.values())


async def test_too_many_at_once_are_told_so(judged: Passwords, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MOST_WAITING", 3)
    judge.free.clear()
    waiting = [asyncio.create_task(judged.right(USERS, Credentials("ann", bytes([n])))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await judged.right(USERS, ANN)
    judge.free.set()
    assert await asyncio.gather(*waiting) == [False] * 3
    assert await judged.right(USERS, ANN)


async def test_memory_is_bounded(judged: Passwords, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MOST_REMEMBERED", 2)
    for number in range(4):
        await judged.right(USERS, Credentials("ann", bytes([number])))
    await judged.right(USERS, Credentials("ann", bytes([0])))
    assert len(judge.judged) == 5


async def test_others_are_served_while_a_slow_password_is_judged(judged: Passwords, judge: Judge) -> None:
    assert await judged.right(USERS, ANN)
    judge.free.clear()
    slow = asyncio.create_task(judged.right(USERS, Credentials("ann", b"slow")))
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert await judged.right(USERS, ANN)
    judge.free.set()
    assert not await slow
