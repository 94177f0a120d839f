"""auth-cache-duration: for how long verdicts of the authorization server are kept, by status.

The grammar is nginx's proxy_cache_valid, several of them between commas. Part of the family of auth-url.
"""

from __future__ import annotations

import re

from isthmus.dialects.ingress.grammar.nginx_times import seconds
from isthmus.ir.authorization import CacheTime

DEFAULT = (CacheTime((200, 202, 401), 300),)
_WITHOUT_STATUS = (200, 301, 302)  # nginx's, where only a time is given
_EXPECTED = "statuses and a time, such as 200 202 401 5m, several between commas"


def cache_times(text: str) -> tuple[CacheTime, ...] | str:
    """The times in their order, the default where there are none; or what was expected instead."""
    parts = [part.split() for part in text.split(",") if part.strip()]
    found = [_parse(words) for words in parts]
    times = tuple(each for each in found if each is not None)
    if len(times) < len(found):
        return _EXPECTED
    return times or DEFAULT


def _parse(words: list[str]) -> CacheTime | None:
    count = next((at for at, word in enumerate(words) if not re.fullmatch("[1-5][0-9]{2}|any", word)), len(words))
    time = seconds(" ".join(words[count:]))
    if time is None or any(word.isdigit() for word in words[count:]):  # units are needed, and statuses come first
        return None
    statuses = tuple(int(word) for word in words[:count] if word != "any")
    if "any" in words[:count]:
        return CacheTime((), time)
    return CacheTime(statuses or _WITHOUT_STATUS, time)
