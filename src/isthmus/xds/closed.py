"""The scope of a host whose own one was refused and that had none before: all of it answers 503.

Without it the host would fall to the wildcard hosts, whose backends and rules are not its own. Rule: it holds
nothing of any object, so that Envoy cannot refuse it too.
"""

from __future__ import annotations

from isthmus.ir.action import Respond
from isthmus.ir.host import CATCH_ALL, HostConfig, Origin, Route
from isthmus.ir.match import Match, SegmentPrefix
from isthmus.kube.refs import ObjectRef
from isthmus.xds import names
from isthmus.xds.resources import Resource
from isthmus.xds.routes import emit_host, emit_wild

_WHY = "this host's configuration was refused, and there is no earlier one"


def emit_closed(scope: str) -> Resource:
    """What takes the place of a scope."""
    listener, host = names.scope_parts(scope)
    if host == names.WILD:
        return emit_wild(listener, [closed(listener, CATCH_ALL)])
    return emit_host(closed(listener, host))


def closed(listener: str, host: str) -> HostConfig:
    """What takes the place of a host."""
    origin = Origin(ObjectRef("Listener", "", listener))
    return HostConfig(listener, host, (Route(Match(SegmentPrefix("/")), Respond(503, _WHY), origin),))
