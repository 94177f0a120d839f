"""A host's guard in Envoy: looked at before any route of the host, so that no route can be reached around it.

The routes hang below a matcher of the connection's state: the host whose TLS settings it was made under
(host_tls.py). Below that, requests whose client showed too little are answered before the host's own routes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isthmus.ir.guard import ClientCertificates, Guard
from isthmus.ir.match import Match, SegmentPrefix, Shown
from isthmus.xds import api
from isthmus.xds.host_tls import STATE
from isthmus.xds.path_tree import Entry
from isthmus.xds.route import answer, emit_match
from isthmus.xds.text import option

_MISDIRECTED = "this connection was made for another host: make one for this host\n"
_WHY = {
    Shown.NOTHING: "no client certificate was shown, and this host requires one\n",
    Shown.UNVERIFIED: "the client certificate is not trusted\n",
}
_REFUSED = {
    ClientCertificates.REQUIRED: (Shown.NOTHING, Shown.UNVERIFIED),
    ClientCertificates.OPTIONAL: (Shown.UNVERIFIED,),
    ClientCertificates.UNJUDGED: (),
}
_STATE_INPUT = "envoy.matching.inputs.filter_state"
_ANYTHING = SegmentPrefix("/")


def refusals(guard: Guard) -> list[Entry]:
    """Routes to stand before a host's own: answers to requests whose client's certificate is not as it should be."""
    return [("/", message) for shown in _REFUSED[guard.clients] for message in _refuse(shown, guard)]


def _refuse(shown: Shown, guard: Guard) -> Iterator[api.Route]:
    plain = answer(f"certificate-{shown.value}", 400, _WHY[shown])
    plain.match.CopyFrom(emit_match(Match(_ANYTHING, certificate=shown)))
    if guard.error_page:  # gRPC clients do not follow redirects
        grpc = api.Route()
        grpc.CopyFrom(plain)
        grpc.match.CopyFrom(emit_match(Match(_ANYTHING, certificate=shown, grpc=True)))
        yield grpc
        plain.direct_response.Clear()
        plain.direct_response.status = 302
        plain.response_headers_to_add.append(option("location", guard.error_page))
    yield plain


def guard_host(host: api.VirtualHost, guard: Guard) -> None:
    """Put what the host has below the guard: its routes are for connections that were made for it."""
    matcher = api.Matcher()
    node = matcher.matcher_tree
    node.input.name = _STATE_INPUT
    node.input.typed_config.CopyFrom(api.pack(api.FilterStateInput(key=STATE)))
    own = node.exact_match_map.map[guard.host]
    if host.HasField("matcher"):
        own.matcher.CopyFrom(host.matcher)
    else:
        _list(own, guard.host, host.routes)
        del host.routes[:]
    _list(matcher.on_no_match, "misdirected", [answer("misdirected", 421, _MISDIRECTED)])
    host.matcher.CopyFrom(matcher)


def guarded(matcher: api.Matcher) -> api.Matcher.OnMatch | None:
    """What connections that were made for the host get; None where there is no guard."""
    if not matcher.HasField("matcher_tree") or matcher.matcher_tree.input.name != _STATE_INPUT:
        return None
    (own,) = matcher.matcher_tree.exact_match_map.map.values()
    return own


def _list(match: api.Matcher.OnMatch, name: str, routes: Sequence[api.Route]) -> None:
    match.action.name = name
    match.action.typed_config.CopyFrom(api.pack(api.RouteList(routes=routes)))
