"""What becomes of a request: it passes, with some headers changed, or it is answered.

Values only. Rule: a reason tells a client what it needs to know and nothing of users, hashes or addresses.
"""

from __future__ import annotations

from typing import NamedTuple

Headers = tuple[tuple[str, str], ...]

UNAUTHORIZED, FORBIDDEN, INTERNAL, UNAVAILABLE = 401, 403, 500, 503


class Granted(NamedTuple):
    """`headers` replace the client's, `remove` are taken away before; `cookies` (Set-Cookie) go to the client, with
    errors of the backend only where `always`."""

    headers: Headers = ()
    remove: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    always: bool = False


class Denied(NamedTuple):
    """The answer in place of the backend's; `reason` is its body."""

    status: int
    reason: str
    headers: Headers = ()


Verdict = Granted | Denied
