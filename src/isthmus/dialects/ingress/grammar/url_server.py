"""The server that a URL in an annotation leads to: a Service of this cluster, another host, or this gateway itself.

Names of the cluster (`svc.ns`, `svc.ns.svc.cluster.local`) are the Service's own endpoints, without DNS. Rule: an
address that leads back into the gateway's own machine or network link is refused, however it is written; a host that
each request could choose is only ever the gateway itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from isthmus.dialects.ingress.grammar.nginx_variables import parse_question
from isthmus.dialects.services import find_port
from isthmus.ir.backend import Backend, ServicePortRef, Trust
from isthmus.ir.template import Of, Template, Variable, literal
from isthmus.kube.store import Lookup

_URL = re.compile(r"(?P<scheme>https?)://(?P<server>[^/?#\\]*)(?P<rest>[/?][^#]*)?", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9]([-a-z0-9_]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9_]*[a-z0-9])?)*\.?", re.IGNORECASE)
_CLUSTER_NAME = re.compile(r"(?P<service>[a-z0-9-]+)(\.(?P<namespace>[a-z0-9-]+)(\.svc(\.cluster\.local)?)?)?")
_PORTS = {"http": 80, "https": 443}
_GATEWAY = ((Variable(Of.HOST),), (Variable(Of.HEADER, "host"),))


class UrlServer(NamedTuple):
    """`backend` is None for this gateway itself. `host` is what it is called, `rest` path and query."""

    backend: Backend | None
    host: Template
    rest: Template
    tls: bool


class _Place(NamedTuple):
    """A host and a port as the URL says them."""

    host: str
    port: int
    tls: bool


def url_server(url: str, names: Mapping[str, str], namespace: str, look: Lookup | None) -> UrlServer | str:
    """The server of a URL with nginx's variables, or why there is none. Single names are Services of `namespace`."""
    found = _URL.fullmatch(url)
    if found is None:
        return "it is no URL that begins with http:// or https://"
    scheme = found["scheme"].lower()
    server, rest = parse_question(found["server"], names), parse_question(found["rest"] or "/", names)
    if isinstance(server, str) or isinstance(rest, str):
        return server if isinstance(server, str) else str(rest)
    if server in _GATEWAY:
        return UrlServer(None, (Variable(Of.HOST),), rest, scheme == "https")
    fixed = literal(server)
    if fixed is None:
        return "a server that each request names anew cannot be asked; only $host alone can be, which is this gateway"
    place = _place(fixed, scheme)
    if isinstance(place, str):
        return place
    backend = _backend(place, namespace, look)
    return backend if isinstance(backend, str) else UrlServer(backend, (place.host,), rest, place.tls)


def _place(server: str, scheme: str) -> _Place | str:
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?", server)
    plain = re.fullmatch(r"([^:@\[\]]+)(?::([0-9]{1,5}))?", server)
    found = bracketed or plain
    if found is None:
        return "its server is no HOST or HOST:PORT"
    host, port = found[1].lower(), int(found[2] or _PORTS[scheme])
    if not 0 < port < 65_536:
        return f"{port} is no port"
    if bracketed is None and (len(host) > 253 or not _HOST.fullmatch(host)):
        return "its server is no host name"
    return _Place(host.rstrip("."), port, scheme == "https")


def _backend(place: _Place, namespace: str, look: Lookup | None) -> Backend | str:
    address = _address(place.host)
    if isinstance(address, str):
        return address
    if address is not None:
        ref = ServicePortRef(namespace, place.host, place.port)
        return Backend(ref, tls=place.tls, address=str(address))
    named = _CLUSTER_NAME.fullmatch(place.host)
    service = look.service(named["namespace"] or namespace, named["service"]) if named and look else None
    if service is None:
        if place.host.endswith((".svc", ".svc.cluster.local")) or "." not in place.host:
            return f"there is no Service {place.host}"
        return Backend(ServicePortRef(namespace, place.host, place.port), tls=place.tls, dns=place.host)
    meta = service.metadata
    ref = ServicePortRef(meta.namespace, meta.name, place.port)
    trust = Trust(name=place.host) if place.tls else None
    if service.spec.type == "ExternalName":
        return _elsewhere(service.spec.external_name, Backend(ref, tls=place.tls, trust=trust))
    if find_port(service, "", place.port) is None:
        ports = ", ".join(str(each.port) for each in service.spec.ports) or "none"
        return f"Service {meta.namespace}/{meta.name} has no port {place.port}, only {ports}"
    return Backend(ref, tls=place.tls, trust=trust)


def _elsewhere(name: str, backend: Backend) -> Backend | str:
    """The backend of a Service that is only another name."""
    target = _place(name, "http")
    refused = target if isinstance(target, str) else _address(target.host)
    if isinstance(target, str) or refused is not None:
        return f"its Service is another name for {name[:200]}: {refused}"
    return replace(backend, dns=target.host)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | str | None:
    """The address that a host is; None for a name. Text is why neither may be asked."""
    if host == "localhost" or host.endswith(".localhost"):
        return "localhost is the gateway's own machine"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        return "its server is neither a name nor an address" if re.fullmatch("[0-9]+|0x[0-9a-f]*", last) else None
    real = getattr(address, "ipv4_mapped", None) or address
    if real.is_loopback or real.is_link_local or real.is_unspecified or real.is_multicast or real.is_reserved:
        return f"{host} is an address of the gateway's own machine or link"
    return address
