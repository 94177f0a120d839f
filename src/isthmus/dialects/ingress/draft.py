"""What annotations decide about one path of one Ingress, before it becomes a Route.

Every feature gets the Draft that the ones before it made and returns its own; the dialect makes routes of the last.
"""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.action import Mirror, Retry, SendTo, Session
from isthmus.ir.backend import Balance, Ejection, Protocol, Trust
from isthmus.ir.match import Condition
from isthmus.ir.policy import NOTHING_ASKED, Policy
from isthmus.ir.template import Template
from isthmus.ir.transcoding import Api


class Canary(Struct, frozen=True, gc=False):
    """This Ingress takes a part of what another one with the same path gets.

    Tried in order: `always` conditions take a request, `never` conditions leave it with the other, and of the rest
    `weight` of `total` are taken.
    """

    always: tuple[Condition, ...] = ()
    never: tuple[Condition, ...] = ()
    weight: int = 0
    total: int = 100
    sticky: bool = True


class Draft(Struct, frozen=True):
    """Times in milliseconds. `service` is the name of the Service that the path leads to."""

    service: str
    # the backend
    protocol: Protocol | None = None  # None: what the Service's appProtocol says, else HTTP/1.1
    tls: bool = False
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
    host: Template = ()
    retry: Retry | None = None
    session: Session | None = None
    hash_key: Template = ()
    mirrors: tuple[Mirror, ...] = ()
    api: Api | None = None
    grpc_only: bool = False  # the Ingress says so itself, whatever its Services say
    # what is asked of requests
    policy: Policy = NOTHING_ASKED
    # in place of forwarding
    ssl_redirect: bool = True
    force_ssl_redirect: bool = False
    redirect_status: int = 308  # of the two above
    redirect: SendTo | None = None
    closed: bool = False  # cannot be served as asked: the path answers 503
    # for the host
    regex: bool = False  # all paths of the host are regular expressions
    app_root: str = ""
    www: bool = False  # the host with, or without, www. redirects here
    canary: Canary | None = None
