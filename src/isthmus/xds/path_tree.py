"""A long list of routes as a prefix tree that gives the same answers.

Each key of the tree is a route's path; below it hang, in order, that route and all routes whose path is a text
prefix of the key. The longest key that begins the request's path therefore knows every route that could match.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.ir.host import Route
from isthmus.xds import api

_HEADER_INPUT = "envoy.matching.inputs.request_headers"


def tree(routes: Sequence[Route], messages: Sequence[api.Route]) -> api.Matcher:
    """The matcher for routes (in order) and their messages."""
    matcher = api.Matcher()
    node = matcher.matcher_tree
    node.input.name = _HEADER_INPUT
    node.input.typed_config.CopyFrom(api.pack(api.HttpRequestHeaderMatchInput(header_name=":path")))
    for key, found in candidates(routes).items():
        action = node.prefix_match_map.map[key].action
        action.name = key
        action.typed_config.CopyFrom(api.pack(api.RouteList(routes=[messages[index] for index in found])))
    return matcher


def size(routes: Sequence[Route]) -> int:
    """How many route messages a tree would hold: few more than the list, unless paths are nested deeply."""
    return sum(len(found) for found in candidates(routes).values())


def candidates(routes: Sequence[Route]) -> dict[str, list[int]]:
    """Path -> indexes, ascending, of the routes whose path is a prefix of it (itself included)."""
    by_path: dict[str, list[int]] = {}
    for index, route in enumerate(routes):
        by_path.setdefault(route.match.path.path, []).append(index)
    result: dict[str, list[int]] = {}
    for path, own in by_path.items():
        found = list(own)
        for end in range(1, len(path)):
            found += by_path.get(path[:end], ())
        result[path] = sorted(found)
    return result
