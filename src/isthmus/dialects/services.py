"""Services and their endpoints, as every dialect needs them: which port is meant, how it speaks, who answers.

May not know which object refers to the Service. Rule: a port in a route is the Service's own port; addresses
come from EndpointSlices, else from Endpoints, and addresses given by hand beat both.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterable

from msgspec import Struct

from isthmus.dialects import codes
from isthmus.ir.backend import Address, Endpoints, Protocol, ServicePortRef
from isthmus.kube.diagnostics import Diagnostic, Report
from isthmus.kube.objects import EndpointPort, Service, ServicePort, ref_of
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.kube.store import Lookup, Store

# appProtocol -> (protocol, TLS). Sources: Kubernetes' service networking reference; Istio's protocol selection.
APP_PROTOCOLS: dict[str, tuple[Protocol, bool]] = {
    "http": (Protocol.HTTP1, False),
    "https": (Protocol.HTTP1, True),
    "http2": (Protocol.HTTP2, False),
    "h2c": (Protocol.HTTP2, False),
    "grpc": (Protocol.HTTP2, False),
    "kubernetes.io/h2c": (Protocol.HTTP2, False),
    "kubernetes.io/ws": (Protocol.HTTP1, False),
    "kubernetes.io/wss": (Protocol.HTTP1, True),
}


class FoundPort(Struct, frozen=True):
    """A Service port that exists; `index` is its place in `spec.ports`."""

    service: Service
    port: ServicePort
    index: int


def closest(wanted: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)`, or nothing. Long texts are no misspellings."""
    found = difflib.get_close_matches(wanted[:100], list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def find_port(service: Service, name: str, number: int) -> FoundPort | None:
    """The Service port of that name, or, without a name, of that number."""
    for index, port in enumerate(service.spec.ports):
        if port.protocol != "TCP":
            continue  # HTTP/3's UDP port has the same number
        if (port.name == name) if name else (port.port == number):
            return FoundPort(service, port, index)
    return None


def port_hint(service: Service, name: str, number: int) -> str:
    """What was probably meant where `find_port` found nothing."""
    ports = service.spec.ports
    if len(ports) == 1:
        return f" (did you mean {ports[0].name if name and ports[0].name else ports[0].port}?)"
    by_target = [p for p in ports if number and p.target_port == number]
    if by_target:
        return f" (did you mean {by_target[0].port}, whose targetPort is {number}?)"
    return closest(name or str(number), [p.name if name else str(p.port) for p in ports])


def app_protocol(port: ServicePort) -> tuple[Protocol, bool] | None:
    """What the Service itself says about how it speaks; None where it says nothing that we know."""
    return APP_PROTOCOLS.get((port.app_protocol or "").lower())


def resolve(ref: ServicePortRef, look: Lookup) -> tuple[Endpoints, tuple[Diagnostic, ...]]:
    """Who answers for a service port now: one unit of translation, read by nothing but the endpoints resource."""
    report = Report()
    service = look.service(ref.namespace, ref.service)
    given = look.given(ref.namespace, ref.service, ref.port)
    if given is not None:
        addresses = {Address(ip, port) for ip, port in given}
    elif service is None:
        return Endpoints(ref), ()
    else:
        addresses = _from_slices(ref, service, look, report)
        if not addresses:
            addresses = _from_endpoints(ref, service, look, report)
    if not addresses:
        owner = ref_of(service) if service else ObjectRef("Service", ref.namespace, ref.service)
        name = f"{ref.namespace}/{ref.service}"
        report.add(codes.NO_ENDPOINTS, owner, FieldPath(("spec", "ports")), service=name, port=ref.port)
    return Endpoints(ref, tuple(sorted(addresses))), report.all()


def unused_addresses(store: Store, reached: Iterable[ServicePortRef] = ()) -> tuple[Diagnostic, ...]:
    """Addresses given by hand for a Service or port that does not exist and is not `reached` all the same."""
    report = Report()
    used = {(ref.namespace, ref.service, port) for ref in reached for port in (ref.port, 0)}
    services = {(o.metadata.namespace, o.metadata.name): o for o in store if isinstance(o, Service)}
    for namespace, name, port in store.addresses:
        service = services.get((namespace, name))
        if service is None and (namespace, name, port) in used:
            continue
        if service is None or (port and find_port(service, "", port) is None):
            known = [f"{a}/{b}" for a, b in services] if service is None else [str(p.port) for p in service.spec.ports]
            hint = closest(f"{namespace}/{name}" if service is None else str(port), known)
            shown = f"{namespace}/{name}" + (f":{port}" if port else "")
            report.add(codes.UNUSED_ADDRESSES, ObjectRef("Service", namespace, name), service=shown, hint=hint)
    return report.all()


def _from_slices(ref: ServicePortRef, service: Service, look: Lookup, report: Report) -> set[Address]:
    wanted = find_port(service, "", ref.port)
    found: set[Address] = set()
    for piece in look.slices(ref.namespace, ref.service):
        port = _endpoint_port(wanted, piece.ports or ())
        if port is None or piece.address_type == "FQDN":
            continue
        for index, endpoint in enumerate(piece.endpoints or ()):
            conditions = endpoint.conditions
            if conditions is not None and (conditions.ready is False or conditions.terminating):
                continue
            for address in endpoint.addresses[:1]:  # the API: the first address is the one to use
                path = FieldPath(("endpoints", index, "addresses", 0))
                if _is_ip(address, report, ref_of(piece), path):
                    found.add(Address(address, port))
    return found


def _from_endpoints(ref: ServicePortRef, service: Service, look: Lookup, report: Report) -> set[Address]:
    wanted = find_port(service, "", ref.port)
    legacy = look.endpoints(ref.namespace, ref.service)
    found: set[Address] = set()
    for at, subset in enumerate(legacy.subsets or () if legacy else ()):
        port = _endpoint_port(wanted, subset.ports or ())
        for index, address in enumerate(subset.addresses or ()):
            path = FieldPath(("subsets", at, "addresses", index, "ip"))
            if legacy is not None and port is not None and _is_ip(address.ip, report, ref_of(legacy), path):
                found.add(Address(address.ip, port))
    return found


def _endpoint_port(wanted: FoundPort | None, ports: Iterable[EndpointPort]) -> int | None:
    """The endpoints' port for a Service port: they carry the same name (none for a lone unnamed port)."""
    name = wanted.port.name if wanted else ""
    for port in ports:
        if (port.name or "") == name and port.protocol == "TCP" and 0 < (port.port or 0) < 65536:
            return port.port
    return None


def _is_ip(text: str, report: Report, ref: ObjectRef, path: FieldPath) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        report.add(codes.BAD_ADDRESS, ref, path, value=text)
        return False
    return True
