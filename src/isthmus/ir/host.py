"""One host as one listener serves it: the unit of work, of change and of failure.

A HostConfig becomes one scoped route resource in Envoy, so what one host's objects say can only ever change
that host.
"""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.action import Action, Forward
from isthmus.ir.backend import Backend
from isthmus.ir.guard import Guard
from isthmus.ir.match import Match
from isthmus.ir.policy import NOTHING_ASKED, Policy
from isthmus.kube.refs import ROOT, FieldPath, ObjectRef

CATCH_ALL = "*"


class Origin(Struct, frozen=True, order=True, gc=False):
    """The object and field that a node came from."""

    ref: ObjectRef
    path: FieldPath = ROOT


class Route(Struct, frozen=True, gc=False):
    """One rule: what matches, what happens, who asked for it, and what is asked of requests before it happens."""

    match: Match
    action: Action
    origin: Origin
    policy: Policy = NOTHING_ASKED

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Every backend that a request to the route may lead to."""
        forwarded = self.action.backends if isinstance(self.action, Forward) else ()
        return (*forwarded, *self.policy.backends)


class HostConfig(Struct, frozen=True, gc=False):
    """All routes of a host on a listener, in the order of `ir.order`: the first match wins.

    `host` is an exact name, `*.name` for exactly one more label, or CATCH_ALL. `listener` is a Listener's name.
    `guard` comes before all routes.
    """

    listener: str
    host: str
    routes: tuple[Route, ...] = ()
    guard: Guard | None = None


def is_wild(host: str) -> bool:
    """Whether the host is a wildcard or the catch-all, which share one scope in Envoy."""
    return host.startswith("*")
