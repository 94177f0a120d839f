"""One path of a host on its way to a Route: what matches, what happens, and what annotations decided about it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from isthmus.dialects.dialect import Options
from isthmus.dialects.ingress.draft import Draft
from isthmus.ir.action import Action
from isthmus.ir.host import Origin
from isthmus.ir.match import Condition, PathMatch
from isthmus.ir.policy import Policy
from isthmus.kube.diagnostics import Report
from isthmus.kube.refs import FieldPath
from isthmus.kube.store import Lookup


class Scene(NamedTuple):
    """Where a host is translated: what may be looked up, and where findings go."""

    host: str
    look: Lookup
    options: Options
    report: Report


class Where(NamedTuple):
    """A path of an Ingress: what it takes, how it is written (path, pathType), and where it and its backend stand."""

    path: PathMatch
    written: str
    kind: str
    at: FieldPath
    backend_at: FieldPath


class Rule(Struct, frozen=True):
    """A path that won. `written` and `kind` are the path and the pathType as they stand in the object."""

    path: PathMatch
    action: Action
    origin: Origin
    draft: Draft
    policy: Policy
    written: str = "/"
    kind: str = ""
    conditions: tuple[Condition, ...] = ()
    turn: int = 0
    in_clear: bool = False  # never redirected to HTTPS
    closed: bool = False  # answers 503, because it asks for what cannot be had
