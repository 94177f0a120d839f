"""What the authorization helper decides for a route: basic authentication, a question to another server, a client
certificate's name, and how they are combined.

The values are whole: the helper gets exactly this, named by its digest, and Envoy gets the name only.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from isthmus.ir.backend import Backend
from isthmus.ir.private import PrivateText
from isthmus.ir.template import Template


class BasicAuth(Struct, frozen=True, gc=False):
    """User names with their htpasswd hashes, as they stand in the Secret."""

    realm: str
    users: tuple[tuple[str, PrivateText], ...]


class CacheTime(Struct, frozen=True, gc=False):
    """For how long a verdict with one of these statuses is kept; without statuses any status."""

    statuses: tuple[int, ...]
    seconds: int


class Question(Struct, frozen=True, gc=False):
    """Ask another server (nginx's auth_request): 2xx lets in, 401 and 403 are answered, all else is a 500.

    `path` is what is asked for at `backend` under the name `host`, by `method` (the client's own when empty) with the
    client's headers, without its body. `sign_in` is where a 401 is redirected to; `redirect_parameter` is added to it
    with the URL that was asked for, unless it has that parameter already. `pass_headers` of the answer go to the
    backend, in place of the client's. Its cookies go to the client: after success, or `cookies_always`.
    """

    backend: Backend
    host: Template
    path: Template
    method: str = ""
    sign_in: Template = ()
    redirect_parameter: str = "rd"
    redirect_header: Template = ()  # X-Auth-Request-Redirect
    pass_headers: tuple[str, ...] = ()
    set_headers: tuple[tuple[str, Template], ...] = ()
    cookies_always: bool = False
    cache_key: Template = ()
    cache_times: tuple[CacheTime, ...] = ()


class Authorization(Struct, frozen=True, gc=False):
    """All of what is given must agree, or with `any_of` one of them suffices (nginx's satisfy any).

    `allow` and `deny` are source ranges, given here only where they take part in `any_of`. `common_name` is an RE2
    expression, searched for in the subject of the verified client certificate. `place` keeps cached verdicts of one
    place from being used for another.
    """

    place: str
    any_of: bool = False
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    basic: BasicAuth | None = None
    question: Question | None = None
    common_name: str = ""


def digest(authorization: Authorization) -> str:
    """The name of a policy: the same for equal ones, 32 hexadecimal digits."""
    return hashlib.sha256(msgspec.msgpack.encode(authorization, enc_hook=str)).hexdigest()[:32]
