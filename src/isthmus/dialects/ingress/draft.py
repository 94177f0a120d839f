"""What annotations decide about one path of one Ingress, before it becomes a Route.

Every feature gets the Draft that the ones before it made and returns its own; the dialect makes routes of the last.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from isthmus.dialects.ingress.tls_asks import NOTHING_ASKED as NO_TLS_ASKED
from isthmus.dialects.ingress.tls_asks import TlsAsk
from isthmus.ir.action import Mirror, Respond, Retry, SendTo, Session
from isthmus.ir.backend import Backend, Balance, Ejection, Protocol, Trust
from isthmus.ir.match import Condition
from isthmus.ir.policy import NOTHING_ASKED, Policy
from isthmus.ir.template import Template
from isthmus.ir.transcoding import Api


class PathKind(enum.Enum):
    """How the paths of one Ingress are read, whatever their pathType."""

    REGEX = "regex"  # a regular expression for the beginning of the path
    REGEX_ANY_CASE = "regex-any-case"
    EXACT = "exact"


class Word(Struct, frozen=True, gc=False):
    """A request that meets the condition goes to the canary or, without `takes`, stays with the other."""

    condition: Condition
    takes: bool


class Canary(Struct, frozen=True, gc=False):
    """This Ingress takes a part of what another one with the same path gets.

    The first word that a request meets decides; of the rest `weight` of `total` are taken. With `sticky` clients that
    the other one keeps on one endpoint stay with what they got first.
    """

    words: tuple[Word, ...] = ()
    weight: int = 0
    total: int = 100
    sticky: bool = True


class SignIn(Struct, frozen=True, gc=False):
    """A part of the host where people sign in: `backend` answers there, and nobody is asked who they are. `key` is the
    annotation that asks for it."""

    path: str
    backend: Backend
    key: str


class Draft(Struct, frozen=True):
    """Times in milliseconds. `service` is the name of the Service that the path leads to."""

    service: str
    # the backend
    protocol: Protocol | None = None  # None: what the Service's appProtocol says, else HTTP/1.1
    tls: bool = False
    tls_as_client: bool = False  # with TLS where the client came over TLS, whatever `tls` says
    trust: Trust | None = None
    connect_timeout_ms: int = 5_000
    balance: Balance = Balance.ROUND_ROBIN
    cluster_ip: bool = False  # go to the Service's own address, not to its endpoints
    max_connections: int = 0
    requests_per_connection: int = 0
    idle_connection_ms: int = 0
    ejection: Ejection | None = None
    slow_start_ms: int = 0
    # how requests are sent to it
    read_timeout_ms: int = 60_000
    send_timeout_ms: int = 60_000
    timeouts_set: bool = False
    rewrite: str | None = None  # a path with $1 for the groups of the path, which is then a regular expression
    new_prefix: str = ""  # takes the place of the part of the path that the route's own path is
    new_path: str = ""  # takes the place of the whole path, with $1 for the groups of the path
    path_kind: PathKind | None = None  # of this Ingress's own paths
    host: Template = ()
    retry: Retry | None = None
    retry_asked: bool = False  # it is not just the default
    session: Session | None = None
    session_secure: bool | None = False  # its cookie is Secure; None: where the client came over TLS
    hash_key: Template = ()
    mirrors: tuple[Mirror, ...] = ()
    api: Api | None = None
    grpc_only: bool = False  # the Ingress says so itself, whatever its Services say
    # what is asked of requests
    policy: Policy = NOTHING_ASKED
    body_limit_set: bool = False  # somebody asked for it; the default one spares streams of gRPC backends
    # in place of forwarding
    ssl_redirect: bool = True
    force_ssl_redirect: bool = False
    redirect_status: int = 308  # of the two above
    forwarded_redirect: bool = False  # what a proxy before us got in clear (X-Forwarded-Proto: http) goes to HTTPS
    hsts: str = ""  # Strict-Transport-Security of answers over TLS
    redirect: SendTo | None = None
    answer: Respond | None = None  # what every request gets, where it is no redirect
    relative: bool = False  # redirects to a path of the same host say no host
    fallback: Backend | None = None  # answers where the Service has no endpoints
    closed: bool = False  # cannot be served as asked: the path answers 503
    # for the host
    host_tls: TlsAsk = NO_TLS_ASKED
    regex: bool = False  # all paths of the host are regular expressions
    app_root: str = ""
    sign_in: SignIn | None = None
    canary: Canary | None = None
