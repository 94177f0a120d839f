"""A long list of routes as a prefix tree that gives the same answers.

Each key of the tree is the text that a route's paths begin with; below it hang, in order, that route and all routes
whose text is a prefix of the key. The longest key that begins the request's path therefore knows every route that
could match.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.xds import api

Entry = tuple[str, api.Route]  # how every path that the route takes begins, and the route

_HEADER_INPUT = "envoy.matching.inputs.request_headers"


def tree(entries: Sequence[Entry]) -> api.Matcher:
    """The matcher for routes, given in order."""
    matcher = api.Matcher()
    node = matcher.matcher_tree
    node.input.name = _HEADER_INPUT
    node.input.typed_config.CopyFrom(api.pack(api.HttpRequestHeaderMatchInput(header_name=":path")))
    for key, found in candidates([start for start, _ in entries]).items():
        action = node.prefix_match_map.map[key].action
        action.name = key
        action.typed_config.CopyFrom(api.pack(api.RouteList(routes=[entries[index][1] for index in found])))
    return matcher


def size(entries: Sequence[Entry]) -> int:
    """How many route messages a tree would hold: few more than the list, unless paths are nested deeply."""
    return sum(len(found) for found in candidates([start for start, _ in entries]).values())


def candidates(starts: Sequence[str]) -> dict[str, list[int]]:
    """Start -> indexes, ascending, of the routes whose start is a prefix of it (itself included)."""
    by_start: dict[str, list[int]] = {}
    for index, start in enumerate(starts):
        by_start.setdefault(start, []).append(index)
    result: dict[str, list[int]] = {}
    for start, own in by_start.items():
        found = list(own)
        for end in range(len(start)):
            found += by_start.get(start[:end], ())
        result[start] = sorted(found)
    return result
