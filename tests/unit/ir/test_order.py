"""The order in which the routes of a host are tried."""

from __future__ import annotations

from isthmus.ir.action import Respond
from isthmus.ir.host import Origin, Route
from isthmus.ir.match import Exact, Match, Pattern, Prefix, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.kube.refs import ObjectRef

ORIGIN = Origin(ObjectRef("Ingress", "n", "i"))


def test_nginx_order() -> None:
    wanted = [
        Match(Exact("/a"), grpc=True),
        Match(Exact("/a"), turn=-1),
        Match(Exact("/a")),
        Match(Pattern("/", "/long.*")),
        Match(Pattern("/", "/b.*")),  # of one length: the last in the alphabet first
        Match(Pattern("/", "/a.*")),
        Match(SegmentPrefix("/a/b")),
        Match(SegmentPrefix("/a")),
        Match(Prefix("/a")),
        Match(SegmentPrefix("/")),
    ]
    routes = [Route(match, Respond(404, ""), ORIGIN) for match in reversed(wanted)]
    assert [route.match for route in ordered(routes)] == wanted
