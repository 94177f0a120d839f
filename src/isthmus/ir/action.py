"""What happens to a matched request. A closed union: every reader matches on it with assert_never."""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.backend import Backend
from isthmus.ir.template import Template
from isthmus.ir.transcoding import Api


class Rewrite(Struct, frozen=True, gc=False):
    """A new path; the query stays. Where `pattern` (RE2, with groups) matches, from the path's start, `substitution`
    replaces what it matched; `\\1` is a group. Without a pattern the route's own prefix is replaced."""

    substitution: str
    pattern: str = ""


class Split(Struct, frozen=True, gc=False):
    """A backend that takes `weight` of the requests; weights are compared with each other. `mark` is Forward's."""

    backend: Backend
    weight: int
    mark: str = ""


class Retry(Struct, frozen=True, gc=False):
    """When to try again elsewhere: `tries` in all (0: as many as there are hosts, at most 10). `on` are words:
    connect-failure, unsent (no endpoint got it), reset, timeout; `statuses` are answers. Requests that may have been
    acted on (POST, LOCK, PATCH) only with `non_idempotent`.
    """

    tries: int = 3
    on: tuple[str, ...] = ("connect-failure", "reset", "timeout")
    statuses: tuple[int, ...] = ()
    non_idempotent: bool = False


class Session(Struct, frozen=True, gc=False):
    """Keep a client on one endpoint by a cookie. `persistent` stays there when endpoints come; otherwise some clients
    move, so that the new ones get their share. `ttl_s` of 0 makes a cookie that ends with the browser's session."""

    cookie: str
    path: str = ""
    ttl_s: int = 0
    attributes: tuple[tuple[str, str], ...] = ()
    persistent: bool = False

    @property
    def side(self) -> str:
        """The name of the cookie that remembers which of several backends a client got."""
        return f"{self.cookie}-canary"


class Mirror(Struct, frozen=True, gc=False):
    """A copy of each request goes to `backend` under the name `host` (empty: the request's own); answers are thrown
    away. It asks for what the request asks for, after a rewrite."""

    backend: Backend
    host: str = ""


class Forward(Struct, frozen=True, tag="forward", gc=False):
    """Send it to a backend.

    `idle_timeout_ms` ends a stream on which nothing moved for so long; there is never a total limit, so streams
    live. `websocket` lets `Upgrade: websocket` through. With `api` the backend is a gRPC server whose methods clients
    of every protocol may call. `splits` are other backends that take some of its requests; the backend's own weight
    is then `weight`. With a `session` and a `mark` answers set the cookie `side` to it. `host` is the Host
    header that the backend sees (empty: the client's). `hash_key` chooses the endpoint where the backend is balanced
    by a hash.
    """

    backend: Backend
    idle_timeout_ms: int = 60_000
    websocket: bool = True
    api: Api | None = None
    weight: int = 1
    splits: tuple[Split, ...] = ()
    rewrite: Rewrite | None = None
    host: Template = ()
    retry: Retry | None = None
    session: Session | None = None
    hash_key: Template = ()
    mirrors: tuple[Mirror, ...] = ()
    mark: str = ""

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Every backend that requests or copies of them go to."""
        split = (each.backend for each in self.splits)
        mirrored = (each.backend for each in self.mirrors)
        return (self.backend, *split, *mirrored)


class Redirect(Struct, frozen=True, tag="redirect", gc=False):
    """Send the client to the same URL over HTTPS with `status` (301, 302, 307 or 308). `port` 443 is left out."""

    port: int = 443
    status: int = 308


class SendTo(Struct, frozen=True, tag="send-to", gc=False):
    """Send the client to another URL: `location`, as it goes into the header, with `status` (a 3xx)."""

    location: Template
    status: int = 302


class Respond(Struct, frozen=True, tag="respond", gc=False):
    """Answer without a backend. `reason` is the body and, for gRPC, the grpc-message."""

    status: int
    reason: str


Action = Forward | Redirect | SendTo | Respond
