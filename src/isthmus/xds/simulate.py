"""What Envoy will do with a request, read from the very resources that it gets.

Mirrors Envoy's order: handshake by SNI, path normalisation, scope, virtual host, first matching route, upgrade,
cluster, endpoints. Hand-written probes run here and on a real Envoy, so the two cannot drift.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from isthmus.ir.listener import HTTPS
from isthmus.xds import api, names
from isthmus.xds.asked import asked
from isthmus.xds.filters.transcoder import nothing
from isthmus.xds.filters.unknown_host import MARK
from isthmus.xds.resources import CLUSTER, ENDPOINTS, LISTENER, SCOPE, SECRET, Resource
from isthmus.xds.route_match import Lost, choose

# HTTP status of a local reply -> grpc-status (gRPC's http-grpc-status-mapping.md).
GRPC_STATUS = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
GRPC_UNKNOWN = 2


class Table(Protocol):
    """The resources that Envoy has."""

    def get(self, type_url: str, name: str) -> Resource | None:
        """The resource, or None."""
        ...


class Request(Struct, frozen=True):
    """A request as a client sends it. `path` holds the query; header names are in lower case."""

    host: str
    path: str = "/"
    method: str = "GET"
    listener: str = HTTPS
    sni: str | None = None  # None: the host without its port
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        """The value of a header (several joined with a comma), pseudo-headers too."""
        pseudo = {":authority": bare_host(self.host), ":path": self.path, ":method": self.method}
        if name in pseudo:
            return pseudo[name]
        found = [value for key, value in self.headers if key == name]
        return ",".join(found) if found else None

    @property
    def grpc(self) -> bool:
        """Whether Envoy takes it for a gRPC request."""
        kind = self.header("content-type") or ""
        return kind == "application/grpc" or kind.startswith("application/grpc+")

    @property
    def websocket(self) -> bool:
        """Whether it asks for an upgrade to WebSocket."""
        wanted = (self.header("connection") or "").lower()
        return "upgrade" in wanted and (self.header("upgrade") or "").lower() == "websocket"


class Verdict(Struct, frozen=True):
    """What happens. `status` is Envoy's own answer; None when a backend answers. Names are resource names."""

    listener: str = ""
    certificate: str = ""
    scope: str = ""
    host: str = ""
    route: str = ""
    status: int | None = None
    reason: str = ""
    location: str = ""
    cluster: str = ""
    others: tuple[str, ...] = ()  # clusters that take a share of such requests
    shares: tuple[int, ...] = ()  # weights of the cluster and of the others, where there are others
    rewritten: str = ""  # the path as the backend gets it, where that is another
    endpoints: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    upgraded: bool = False
    lost: tuple[Lost, ...] = ()

    def grpc_status(self) -> int | None:
        """What a gRPC client sees of Envoy's own answer."""
        return None if self.status is None else GRPC_STATUS.get(self.status, GRPC_UNKNOWN)


def bare_host(authority: str) -> str:
    """The host of an authority as routes see it: in lower case, without port and trailing dot."""
    head, bracket, _ = authority.lower().partition("]")
    return head + bracket if bracket else head.partition(":")[0].removesuffix(".")


def simulate(table: Table, request: Request) -> Verdict:
    """Follow a request through the listener."""
    if table.get(LISTENER, request.listener) is None:
        return Verdict(reason=f"there is no listener {request.listener}")
    verdict = Verdict(listener=request.listener)
    if request.listener == HTTPS:
        sni = bare_host(request.host).strip("[]") if request.sni is None else request.sni
        if not sni or table.get(SECRET, sni) is None:
            return replace(verdict, reason=f"TLS handshake refused: no certificate for {sni or 'a client without SNI'}")
        verdict = replace(verdict, certificate=sni)
    bad = _refused(request)
    if bad is not None:
        return replace(verdict, status=bad[0], reason=bad[1], location=bad[2])
    return _route(table, replace_path(request), verdict)


def replace_path(request: Request) -> Request:
    """The request with its path as the listener normalises it: unreserved characters plain, one slash, no dots."""
    path, mark, query = request.path.partition("?")
    path = re.sub(r"%([0-9A-Fa-f]{2})", _unescaped, path).replace("\\", "/")
    path = re.sub(r"/{2,}", "/", path)
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if len(out) > 1:
                out.pop()
        elif part != ".":
            out.append(part)
    if path.endswith(("/.", "/..")):
        out.append("")
    return replace(request, path=("/".join(out) or "/") + mark + query)


def _unescaped(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if re.fullmatch(r"[A-Za-z0-9._~-]", letter) else found[0]


def _refused(request: Request) -> tuple[int, str, str] | None:
    """(status, reason, location) of requests that the listener answers itself."""
    if any("_" in name for name, _ in request.headers):
        return 400, "a header name holds an underscore", ""
    path = request.path.partition("?")[0]
    if "%00" in path:
        return 400, "the path holds %00", ""
    unescaped = re.sub(r"%2[fF]", "/", re.sub(r"%5[cC]", "\\\\", path))
    if unescaped != path:
        return 307, "the path holds an escaped slash", unescaped
    return None


def _route(table: Table, request: Request, verdict: Verdict) -> Verdict:
    host = bare_host(request.host)
    name = names.scope(request.listener, host)
    resource = table.get(SCOPE, name)
    if resource is None:
        name = names.scope(request.listener, names.WILD)
        resource = table.get(SCOPE, name)
    if resource is None:
        return replace(verdict, status=404, reason="no route configuration")
    config = api.ScopedRouteConfiguration.FromString(resource.body).route_configuration
    virtual = _virtual_host(config, host)
    verdict = replace(verdict, scope=name, host=virtual.name)
    wild = names.scope_parts(name)[1] == names.WILD
    looked_up = (
        (lambda field: MARK + host if field == ":authority" else request.header(field)) if wild else request.header
    )
    route, lost = choose(virtual, looked_up)
    lost = tuple(replace(each, why=each.why.replace(re.escape(MARK), "").replace(MARK, "")) for each in lost)
    verdict = replace(verdict, lost=lost)
    if route is None:
        return replace(verdict, status=404, reason=f"no route of host {virtual.name} matches")
    filters = sorted({*_on(virtual.typed_per_filter_config), *_on(route.typed_per_filter_config)})
    filters = [name for name in filters if name not in _off(route.typed_per_filter_config)]
    asks = asked(route, virtual.typed_per_filter_config)
    return _act(table, request, route, replace(verdict, route=route.name, filters=tuple(filters), asked=asks))


def _on(configured: Mapping[str, api.Any]) -> set[str]:
    """The filters that have a configuration there."""
    return set(configured) - _off(configured)


def _off(configured: Mapping[str, api.Any]) -> set[str]:
    """The filters that are switched off there, or have a configuration that does nothing."""
    off = api.pack(api.FilterConfig(disabled=True)).value
    empty = nothing().value
    return {name for name, config in configured.items() if config.value in (off, empty)}


def _virtual_host(config: api.RouteConfiguration, host: str) -> api.VirtualHost:
    """Envoy's choice: exact domain, longest suffix wildcard, `*`; without case."""
    best, length = config.virtual_hosts[0], -1
    for virtual in config.virtual_hosts:
        for domain in virtual.domains:
            suffix = domain[1:]
            fits = domain == host.lower() or (domain.startswith("*") and host.lower().endswith(suffix))
            if fits and len(suffix) > length:
                best, length = virtual, len(suffix)
    return best


def _act(table: Table, request: Request, route: api.Route, verdict: Verdict) -> Verdict:
    kind = route.WhichOneof("action")
    if kind == "direct_response":
        answer = route.direct_response
        sent = [each.header.value for each in route.response_headers_to_add if each.header.key == "location"]
        if sent:
            location = filled(sent[0], request)
            return replace(verdict, status=answer.status, reason="redirect", location=location)
        return replace(verdict, status=answer.status, reason=answer.body.inline_string.strip())
    if kind == "redirect":
        to = route.redirect
        if to.HasField("regex_rewrite"):
            path, mark, query = request.path.partition("?")
            path = re.sub(to.regex_rewrite.pattern.regex, lambda _: to.regex_rewrite.substitution, path, count=1)
            location = f"{request.listener}://{request.header(':authority')}{path}{mark}{query}"
            return replace(verdict, status=_CODES[to.response_code], reason="redirect", location=location)
        port = f":{to.port_redirect}" if to.port_redirect else ""
        location = f"https://{request.header(':authority')}{port}{request.path}"
        return replace(verdict, status=_CODES[to.response_code], reason="redirect", location=location)
    if request.websocket and not any(u.upgrade_type == "websocket" for u in route.route.upgrade_configs):
        return replace(verdict, status=403, reason="this route does not take WebSocket upgrades")
    clusters = [each for each in route.route.weighted_clusters.clusters if each.weight.value]
    weighted = [each.name for each in clusters]
    verdict = replace(verdict, upgraded=request.websocket, rewritten=_rewritten(route, request.path))
    verdict = _forward(table, route.route.cluster or weighted[0], verdict)
    shares = tuple(each.weight.value for each in clusters) if weighted[1:] else ()
    return replace(verdict, others=tuple(weighted[1:]), shares=shares)


def _rewritten(route: api.Route, path: str) -> str:
    """What a route makes of the path for the backend, or nothing if it stays; the query always does."""
    plain, mark, query = path.partition("?")
    action = route.route
    if action.HasField("regex_rewrite"):
        plain = re.sub(action.regex_rewrite.pattern.regex, action.regex_rewrite.substitution, plain)
    elif action.prefix_rewrite:
        match = route.match
        plain = action.prefix_rewrite + plain[len(match.path or match.prefix or match.path_separated_prefix) :]
    return plain + mark + query if plain + mark + query != path else ""


def filled(text: str, request: Request) -> str:
    """What Envoy makes of format commands, as far as a request alone decides it."""
    path, _, query = request.path.partition("?")
    known = {
        "REQ(:AUTHORITY)": request.header(":authority") or "",
        "REQ(:PATH)": request.path,
        "REQ(:METHOD)": request.method,
        "REQ(X-FORWARDED-PROTO)": request.listener,
        "PATH(NQ)": path,
        "QUERY_PARAMS(ORIG)": query,
    }
    return re.sub(r"%([^%]*)%", lambda found: known.get(found[1], found[0]) if found[1] else "%", text)


_CODES = (301, 302, 303, 307, 308)


def _forward(table: Table, cluster: str, verdict: Verdict) -> Verdict:
    if cluster in names.STATIC:
        return replace(verdict, cluster=cluster, endpoints=("the adapter",))
    resource = table.get(CLUSTER, cluster)
    if resource is None:
        return replace(verdict, cluster=cluster, status=503, reason="the cluster does not exist")
    message = api.Cluster.FromString(resource.body)
    if message.HasField("load_assignment"):
        assignment = message.load_assignment
    else:
        found = table.get(ENDPOINTS, cluster)
        assignment = api.ClusterLoadAssignment.FromString(found.body if found else b"")
    addresses = [e.endpoint.address.socket_address for part in assignment.endpoints for e in part.lb_endpoints]
    endpoints = tuple(f"{a.address}:{a.port_value}" for a in addresses)
    verdict = replace(verdict, cluster=cluster, endpoints=endpoints)
    return verdict if endpoints else replace(verdict, status=503, reason="no healthy upstream")
