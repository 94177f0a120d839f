"""Reflection shows the schemas of open APIs, and of guarded ones only to those who come past the same guard."""

from __future__ import annotations

import pytest

from isthmus.ir.action import Forward
from isthmus.ir.authorization import Authorization, BasicAuth
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.match import Match, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.ir.policy import NOTHING_ASKED, Policy, SourceRanges
from isthmus.ir.transcoding import Api, Transcoding
from isthmus.kube.refs import ObjectRef
from isthmus.xds import api
from isthmus.xds.routes import emit_host

NEAR = Policy(sources=SourceRanges(("10.0.0.0/8",)))
KNOWN = Policy(authorization=Authorization("n/i", basic=BasicAuth("r", ())))


def offered(path: str, name: str, policy: Policy) -> Route:
    backend = Backend(ServicePortRef("n", name, 80), Protocol.HTTP2)
    return Route(
        Match(SegmentPrefix(path)), Forward(backend, api=Api()), Origin(ObjectRef("Ingress", "n", name)), policy
    )


@pytest.mark.parametrize(
    ("root", "below", "shown"),
    [
        (NOTHING_ASKED, NOTHING_ASKED, "below,root"),
        (NOTHING_ASKED, NEAR, "root"),
        (NOTHING_ASKED, KNOWN, "root"),
        (NEAR, KNOWN, "root"),
        (NEAR, NOTHING_ASKED, "below,root"),
        (KNOWN, KNOWN, "below,root"),
    ],
)
def test_which_schemas_are_shown(root: Policy, below: Policy, shown: str) -> None:
    routes = ordered([offered("/", "root", root), offered("/below.Service", "below", below)])
    planned = {ServicePortRef("n", name, 80): Transcoding(name, b"", ()) for name in ("root", "below")}
    scope = api.ScopedRouteConfiguration.FromString(emit_host(HostConfig("http", "a.test", routes), planned).body)
    (reflection,) = (r for r in scope.route_configuration.virtual_hosts[0].routes if r.name.endswith(" reflection"))
    told = {each.header.key: each.header.value for each in reflection.request_headers_to_add}
    assert told["x-isthmus-schemas"] == shown
