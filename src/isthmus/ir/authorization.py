"""Who may use a route: basic authentication, a question to another server, tokens and keys, a client certificate's
name, and how they are combined. All but the last is the authorization helper's work.

The values are whole: the helper gets exactly this, named by its digest, and Envoy gets the name only.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec
from msgspec import Struct

from isthmus.ir.backend import Backend
from isthmus.ir.private import PrivateBytes, PrivateText
from isthmus.ir.template import Of, Template, Variable


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

    `path` is what is asked for at `backend` (None: this gateway itself, with `tls` over HTTPS) under the name `host`,
    by `method` with the client's headers and those of `set_headers` in their place (an empty one removes), without
    its body. `sign_in` is where a 401 is redirected to. `pass_headers` of the answer go to the backend, in place of
    the client's. The answer's cookies go to the client: with answers that are no errors, or `cookies_always`. Verdicts
    are kept under `cache_key`, where there is one.
    """

    backend: Backend | None
    host: Template
    path: Template
    tls: bool = False
    method: str = "GET"
    sign_in: Template = ()
    redirect_header: Template = (Variable(Of.TARGET),)  # X-Auth-Request-Redirect
    pass_headers: tuple[str, ...] = ()
    set_headers: tuple[tuple[str, Template], ...] = ()
    cookies_always: bool = False
    cache_key: Template = ()
    cache_times: tuple[CacheTime, ...] = ()


class Jwt(Struct, frozen=True, gc=False):
    """A signed token (RFC 7519) that is valid now: one of `keys`, the JSON text of a JWK Set, must have signed it.

    `token` is the header, cookie or query parameter that holds it; None is `Authorization: Bearer`. With `login` a
    client without a valid one is sent there (302); otherwise it gets a 401 with the realm.
    """

    realm: str
    keys: PrivateText
    token: Variable | None = None
    login: str = ""


class ApiKeys(Struct, frozen=True, gc=False):
    """One of some secrets, looked for in request headers, then in query parameters: 401 without any, 403 with an
    unknown one. `keys` are (client, hexadecimal SHA-256 of the secret)."""

    headers: tuple[str, ...]
    parameters: tuple[str, ...]
    keys: tuple[tuple[str, PrivateText], ...]


class Authorization(Struct, frozen=True, gc=False):
    """All of what is given must agree, or with `any_of` one of them suffices (nginx's satisfy any).

    `allow` and `deny` are source ranges, given here only where they take part in `any_of`. `common_name` is an RE2
    expression, searched for in the subject of the client's certificate; Envoy itself judges it, whatever `any_of`
    says. `place` keeps cached verdicts of one place from being used for another.
    """

    place: str
    any_of: bool = False
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    basic: BasicAuth | None = None
    question: Question | None = None
    common_name: str = ""
    jwt: Jwt | None = None
    api_keys: ApiKeys | None = None

    @property
    def needs_helper(self) -> bool:
        """Whether there is anything in it that Envoy cannot decide itself. One that asks for nothing lets nobody in."""
        ranges = self.allow is not None or self.deny
        return bool(ranges or self.basic or self.question or self.jwt or self.api_keys or not self.common_name)


def encode(authorization: Authorization) -> bytes:
    """The policy as JSON, secrets included: for the helper's eyes only. Equal policies give equal bytes."""
    return msgspec.json.encode(authorization, enc_hook=_bare)


def decode(body: bytes) -> Authorization:
    """The way back. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Authorization, dec_hook=_private)


def digest(authorization: Authorization) -> str:
    """The name of a policy: the same for equal ones, 32 hexadecimal digits."""
    return digest_of(encode(authorization))


def digest_of(body: bytes) -> str:
    """The name of an encoded policy."""
    return hashlib.sha256(body).hexdigest()[:32]


def _bare(value: object) -> object:
    if isinstance(value, PrivateText):
        return str(value)
    if isinstance(value, PrivateBytes):
        return base64.b64encode(value).decode()
    raise NotImplementedError(type(value).__name__)


def _private(kind: type, value: object) -> object:
    if kind is PrivateText and isinstance(value, str):
        return PrivateText(value)
    if kind is PrivateBytes and isinstance(value, str):
        return PrivateBytes(base64.b64decode(value))
    raise NotImplementedError(kind.__name__)
