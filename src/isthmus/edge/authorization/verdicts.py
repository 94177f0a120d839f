"""Verdicts of other servers, kept for a while, by the rules of nginx's proxy_cache: what the answer itself says about
its age comes first, and what sets a cookie is never kept.

Rule: a verdict of one place, host or key is never used for another, and an answer that varies with headers only for
the same values of them. Bounded: the verdicts used last stay.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from isthmus.edge.authorization.question import Answer
from isthmus.edge.authorization.request import Request, fill
from isthmus.ir.authorization import Authorization, CacheTime, Question

_MOST = 4_096
_LARGEST = 16_384  # characters of headers in one answer
_NOT_KEPT = re.compile(r"(?:^|[\s,])(?:no-cache|no-store|private)(?:$|[\s,=])")
_AGE = re.compile(r"(?:^|[\s,])(?:s-maxage|max-age)=\"?([0-9]{1,10})")
_KEPT = ("www-authenticate",)


class Kept(NamedTuple):
    """An answer, until when (seconds of the clock), and the request's headers that it was for."""

    answer: Answer
    until: float
    varied: tuple[tuple[str, str], ...]


class Verdicts:
    """What was answered lately. `clock` tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def find(self, authorization: Authorization, question: Question, request: Request) -> Answer | None:
        """An answer that still holds; None where there is none."""
        if not question.cache_key:
            return None
        key = _key(authorization, question, request)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock():
            del self._kept[key]
            return None
        same = all(request.headers.get(name, "") == value for name, value in kept.varied)
        return kept.answer if same else None

    def keep(self, authorization: Authorization, question: Question, request: Request, answer: Answer) -> None:
        """Keep an answer for as long as it may be."""
        seconds = _seconds(question.cache_times, answer)
        varied = [name.strip().lower() for value in answer.all("vary") for name in value.split(",")]
        size = sum(len(name) + len(value) for name, value in answer.headers)
        if not question.cache_key or seconds <= 0 or "*" in varied or size > _LARGEST:
            return
        wanted = {name.lower() for name in question.pass_headers} | set(_KEPT)
        slim = Answer(answer.status, tuple((name, value) for name, value in answer.headers if name in wanted))
        values = tuple((name, request.headers.get(name, "")) for name in varied if name)
        key = _key(authorization, question, request)
        self._kept[key] = Kept(slim, self._clock() + seconds, values)
        self._kept.move_to_end(key)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)


def _key(authorization: Authorization, question: Question, request: Request) -> bytes:
    parts = (authorization.place, request.place, request.host, fill(question.cache_key, request))
    whole = b"".join(len(each).to_bytes(4, "big") + each for each in (p.encode("utf-8", "replace") for p in parts))
    return hashlib.sha256(whole).digest()


def _seconds(times: tuple[CacheTime, ...], answer: Answer) -> int:
    """For how long an answer is kept; 0 is not at all."""
    if answer.all("set-cookie"):
        return 0
    for value in answer.all("x-accel-expires"):
        return int(value) if re.fullmatch("[0-9]{1,10}", value) else 0
    control = ",".join(answer.all("cache-control")).lower()
    if _NOT_KEPT.search(control):
        return 0
    if found := _AGE.search(control):
        return int(found[1])
    if answer.all("expires"):
        return 0  # a date: rare, and not worth keeping wrongly
    fitting = (each.seconds for each in times if answer.status in each.statuses or not each.statuses)
    return next(fitting, 0)
