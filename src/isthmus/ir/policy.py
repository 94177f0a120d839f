"""What a route asks of a request beside where it goes: who may come, how often, how much, and which headers change.

Each part is None or empty when nothing is asked. Order in Envoy: CORS, client certificate, rate limits, source
ranges, authorization, body limit; redirects and fixed answers come before all of it, as in nginx.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from isthmus.ir.authorization import Authorization
from isthmus.ir.backend import Backend
from isthmus.ir.template import Template


class Edit(enum.Enum):
    """What becomes of a header. Names are compared without case."""

    SET = "set"  # replaces every value there is; an empty template removes the header
    ADD = "add"  # one more value
    DEFAULT = "default"  # only where it is absent
    REMOVE = "remove"


class HeaderEdit(Struct, frozen=True, gc=False):
    """One change of a header. `always` is for answers: without it, errors (other than 200, 201, 204, 206, 301, 302,
    303, 304, 307, 308) do not get it."""

    name: str
    value: Template = ()
    edit: Edit = Edit.SET
    always: bool = True


class HeaderRewrite(Struct, frozen=True, gc=False):
    """In the backend's answers, the beginning of a header's value, `start`, is replaced; what follows it stays.

    With `attribute` it is not the header's value but that of its `; attribute=` (Set-Cookie's Path, Refresh's url),
    for each header of that name. With `whole` the value must be `start` and nothing more, in any case, and a leading
    dot of either does not count (a cookie's Domain). Of several for one place the first that fits counts.
    """

    name: str
    start: Template
    replacement: Template
    attribute: str = ""
    whole: bool = False


class Cors(Struct, frozen=True, gc=False):
    """Which pages of other origins may call. `origins` are `*`, whole origins, or `https://*.example.com` (any one
    or more labels) or `https://+.example.com` (exactly one), each with `:*` for any port; lists are names as they are
    written into headers."""

    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = True
    max_age_s: int = 0


class RateLimit(Struct, frozen=True, gc=False):
    """At most `requests` per `per_ms` for one value of `key` (all requests together when it is empty), and `burst`
    more at once. `exempt` are source ranges that are not counted. `dry_run` counts and lets everything pass.

    Routes of one host whose limits are equal, `place` included, count together.
    """

    requests: int
    per_ms: int
    burst: int = 0
    key: Template = ()
    exempt: tuple[str, ...] = ()
    status: int = 503
    dry_run: bool = False
    place: str = ""


class ConcurrencyLimit(Struct, frozen=True, gc=False):
    """At most `requests` at one time for one value of `key`, counted by the helper for all routes of one `place`
    together. `exempt` are source ranges that are not counted."""

    place: str
    requests: int
    key: Template = ()
    exempt: tuple[str, ...] = ()
    status: int = 503


class SourceRanges(Struct, frozen=True, gc=False):
    """Client addresses in CIDR notation. With `allow` (None: everyone) only those, without those in `deny`."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()


class ErrorPages(Struct, frozen=True, gc=False):
    """Answers with these statuses are replaced by what `backend` answers to a GET with `headers`: X-Code and so on.

    Answers to gRPC are left alone. The client gets the status of the page, or with `keep_status` that of the answer
    that it replaces.
    """

    statuses: tuple[int, ...]
    backend: Backend
    headers: tuple[HeaderEdit, ...] = ()
    path: str = "/"
    keep_status: bool = False


class Policy(Struct, frozen=True, gc=False):
    """Everything that is asked of one route.

    `max_body_bytes` of 0 is no limit. `answer_bytes_per_s` slows answers down. With `forwarded` the backend is
    told about the client as nginx does it, in X-Forwarded-*, X-Real-IP and their kin, and nothing that the client
    says there is believed. What is not `logged` is left out of the gateway's log of requests.
    """

    cors: Cors | None = None
    sources: SourceRanges | None = None
    limits: tuple[RateLimit, ...] = ()
    concurrency: ConcurrencyLimit | None = None
    authorization: Authorization | None = None
    max_body_bytes: int = 0
    answer_bytes_per_s: int = 0
    request_headers: tuple[HeaderEdit, ...] = ()
    answer_headers: tuple[HeaderEdit, ...] = ()
    answer_rewrites: tuple[HeaderRewrite, ...] = ()
    errors: ErrorPages | None = None
    forwarded: bool = False
    logged: bool = True

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The backends that are asked beside the one that the route leads to."""
        pages = (self.errors.backend,) if self.errors is not None else ()
        question = self.authorization.question if self.authorization is not None else None
        asked = question.backend if question is not None else None
        return (*pages, asked) if asked is not None else pages


NOTHING_ASKED = Policy()
