"""A long list as a prefix tree gives the answers of the list, on random routes and paths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isthmus.ir.action import Respond
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.match import Exact, Match, Prefix, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.xds import api
from isthmus.xds.path_tree import tree
from isthmus.xds.route import emit_route
from isthmus.xds.route_match import choose
from isthmus.xds.routes import TREE_FROM, emit_host

PIECES = st.lists(st.sampled_from(["a", "b", "ab", "abc"]), max_size=3)
PATHS = PIECES.map(lambda pieces: "/" + "/".join(pieces))
MATCHES = st.builds(lambda kind, path: kind(path), st.sampled_from([Exact, SegmentPrefix, Prefix]), PATHS)


def routes_of(matches: list[object]) -> tuple[Route, ...]:
    found = []
    for index, match in enumerate(dict.fromkeys(matches)):
        origin = Origin(ObjectRef("Ingress", "default", "x"), FieldPath(("spec", index)))
        found.append(Route(Match(match), Respond(200, str(index)), origin))  # type: ignore[arg-type]
    return ordered(found)


@given(st.lists(MATCHES, min_size=1, max_size=12), PATHS, st.sampled_from(["", "?q=/a", "/", "x"]))
def test_tree_and_list_agree(matches: list[object], path: str, tail: str) -> None:
    routes = routes_of(matches)
    messages = [emit_route(route) for route in routes]
    listed = api.VirtualHost(routes=messages)
    planted = api.VirtualHost(
        matcher=tree([(route.match.path.path, message) for route, message in zip(routes, messages, strict=True)])
    )

    def header(name: str) -> str | None:
        return path + tail if name == ":path" else None

    first, second = choose(listed, header)[0], choose(planted, header)[0]
    assert (first and first.name) == (second and second.name)


def test_only_long_lists_become_trees() -> None:
    matches = [Exact(f"/{number}") for number in range(TREE_FROM + 1)]
    for count, planted in ((TREE_FROM - 1, False), (TREE_FROM, True)):  # and the answer to all other paths
        body = emit_host(HostConfig("http", "a.test", routes_of(matches[:count]))).body  # type: ignore[arg-type]
        host = api.ScopedRouteConfiguration.FromString(body).route_configuration.virtual_hosts[0]
        assert host.HasField("matcher") is planted
