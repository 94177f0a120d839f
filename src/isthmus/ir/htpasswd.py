"""htpasswd files as values: who may come, with which hash; and which hashes can be judged at all.

Knows the forms of hashes and what they would cost, never a password. Rule: a message names the line and the user and
nothing else of the file. Source: Apache's htpasswd, crypt(3); nginx, ngx_http_auth_basic_module.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from isthmus.ir.private import PrivateText

MOST_USERS = 10_000
_LONGEST_NAME = 255
_BCRYPT_COST = range(4, 15)  # one more doubles the time: 14 is a second
_ROUNDS = range(1_000, 1_000_001)  # of SHA-crypt: likewise
_BASE64 = "[./0-9A-Za-z]"
_BCRYPT = re.compile(rf"\$2[aby]\$([0-9]{{2}})\${_BASE64}{{53}}")
_SHA_CRYPT = re.compile(
    rf"\$(?:5\$(?:rounds=([0-9]{{1,9}})\$)?{_BASE64}{{1,16}}\${_BASE64}{{43}}"
    rf"|6\$(?:rounds=([0-9]{{1,9}})\$)?{_BASE64}{{1,16}}\${_BASE64}{{86}})"
)
_OTHERS = re.compile(
    rf"\$(?:apr1|1)\${_BASE64}{{1,8}}\${_BASE64}{{22}}"
    r"|\{SHA\}[A-Za-z0-9+/]{27}="
    r"|\{SSHA\}[A-Za-z0-9+/]{28,88}={0,2}"
    rf"|{_BASE64}{{13}}"  # crypt(3) of old, by DES
)


Users = tuple[tuple[str, PrivateText], ...]


class Htpasswd(NamedTuple):
    """`users` are names with hashes, the first of each name; `problems` are lines that let nobody in."""

    users: Users
    problems: tuple[str, ...]


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Htpasswd:
    """Read a file: `name:hash` a line, what follows another colon or a space is a remark, as are lines with a #."""
    lines = ((f"line {number}", line.strip()) for number, line in enumerate(text.split("\n"), 1))
    pairs = ((place, *line.partition(":")) for place, line in lines if line and not line.startswith("#"))
    return judge((place, name, rest if mark else "") for place, name, mark, rest in pairs)


def judge(entries: Iterable[tuple[str, str, str]]) -> Htpasswd:
    """Take the entries (place, name, hash and remarks) that can be used."""
    users: dict[str, PrivateText] = {}
    problems: list[str] = []
    for place, name, rest in entries:
        value = re.split(r"[:\s]", rest, maxsplit=1)[0]
        reason = _problem_of_name(name) or problem(value)
        if not reason and len(users) >= MOST_USERS:
            reason = f"there are {MOST_USERS} users before it"
        if reason:
            problems.append(f"{place}: {reason}")
        else:
            users.setdefault(name, PrivateText(value))
    return Htpasswd(tuple(users.items()), tuple(problems))


def problem(value: str) -> str:
    """Why a hash cannot be judged; empty when it can."""
    if not value:
        return "there is no hash"
    if found := _BCRYPT.fullmatch(value):
        return "" if int(found[1]) in _BCRYPT_COST else f"a bcrypt cost of {int(found[1])} takes too long to judge"
    if found := _SHA_CRYPT.fullmatch(value):
        rounds = int(found[1] or found[2] or 5_000)
        return "" if rounds in _ROUNDS else f"{rounds} rounds: expected {_ROUNDS[0]} to {_ROUNDS[-1]}"
    if _OTHERS.fullmatch(value):
        return ""
    return "no hash of a kind that is known (bcrypt, apr1, SHA-crypt, {SHA}, {SSHA} or crypt)"


def _problem_of_name(name: str) -> str:
    if not name:
        return "there is no user name"
    return "" if len(name) <= _LONGEST_NAME and name.isprintable() else "that is no user name"
