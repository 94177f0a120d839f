"""From an Ingress backend to what a path does: forward to a Service port, or answer 503 and say why.

Only the path that refers to a bad backend is closed; its neighbours never notice.
"""

from __future__ import annotations

import ipaddress

from msgspec import Struct

from isthmus.dialects import codes as service_codes
from isthmus.dialects.dialect import Options
from isthmus.dialects.ingress import codes
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.hosts import host_codes
from isthmus.dialects.ingress.isthmus_dev.transcode import FEATURE as TRANSCODE
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import APP_PROTOCOLS, FoundPort, app_protocol, find_port, port_hint
from isthmus.ir.action import Forward, Respond
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.ir.transcoding import Api
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import (
    Ingress,
    IngressBackend,
    Meta,
    Service,
    ServiceBackend,
    ServicePort,
    ServiceSpec,
    ref_of,
)
from isthmus.kube.refs import FieldPath
from isthmus.kube.store import Lookup

UNAVAILABLE = 503


class Place(Struct, frozen=True):
    """Where a backend stands: the Ingress and the path to its `backend`."""

    ingress: Ingress
    path: FieldPath


def lower(
    place: Place, backend: IngressBackend, draft: Draft, look: Lookup, options: Options, report: Report
) -> Forward | Respond:
    """What a path with this backend does."""
    ref = ref_of(place.ingress)
    if backend.service is None:
        found = f"a {backend.resource.kind}, not a Service" if backend.resource else "empty"
        report.add(codes.BACKEND_KIND, ref, place.path, found=found)
        return Respond(UNAVAILABLE, "the backend of this path is not a Service")
    port = _service_port(place, backend.service, look, options, report)
    if isinstance(port, Respond):
        return port
    if draft.cluster_ip and not cluster_address(port.service):
        name = f"{ref.namespace}/{backend.service.name}"
        report.add(host_codes.NO_CLUSTER_ADDRESS, ref, place.path / "service" / "name", service=name)
    return _forward(port, draft, report)


def _service_port(
    place: Place, backend: ServiceBackend, look: Lookup, options: Options, report: Report
) -> FoundPort | Respond:
    ref = ref_of(place.ingress)
    path = place.path / "service"
    name = f"{ref.namespace}/{backend.name}"
    service = look.service(ref.namespace, backend.name)
    number = backend.port.number
    if service is None and number and look.given(ref.namespace, backend.name, number) is not None:
        report.add(service_codes.GIVEN_SERVICE, ref, path / "name", service=name, port=number)
        return _stand_in(ref.namespace, backend.name, number)
    if service is None:
        report.add(service_codes.NO_SERVICE, ref, path / "name", service=name, hint="")
        return Respond(UNAVAILABLE, f"there is no Service {name}")
    if service.spec.type == "ExternalName" and not options.allow_external_name:
        target = service.spec.external_name
        report.add(service_codes.EXTERNAL_NAME, ref, path / "name", service=name, target=target)
        return Respond(UNAVAILABLE, f"Service {name} is of type ExternalName, which is not allowed here")
    port = backend.port
    found = find_port(service, port.name, port.number)
    if found is None and service.spec.type == "ExternalName" and port.number:
        found = FoundPort(service, ServicePort(port.number), 0)  # such a Service needs no ports of its own
    if found is None:
        wanted = port.name or port.number
        ports = ", ".join(str(p.port) + (f" ({p.name})" if p.name else "") for p in service.spec.ports) or "none"
        hint = port_hint(service, port.name, port.number)
        field = path / "port" / ("name" if port.name else "number")
        report.add(service_codes.NO_SERVICE_PORT, ref, field, service=name, port=wanted, ports=ports, hint=hint)
        return Respond(UNAVAILABLE, f"Service {name} has no port {wanted}")
    aim = found.port.target_port if isinstance(found.port.target_port, int) else found.port.port
    if not (0 < found.port.port < 65536 and 0 < aim < 65536):
        field = FieldPath(("spec", "ports", found.index))
        report.add(service_codes.BAD_PORT, ref_of(service), field, service=name, port=found.port.port, value=aim)
        return Respond(UNAVAILABLE, f"port {found.port.port} of Service {name} is no port")
    return found


def _stand_in(namespace: str, name: str, port: int) -> FoundPort:
    """The Service of addresses that are given by hand. Its port has a name that nobody is asked to improve."""
    ports = (ServicePort(port, "grpc"),)
    return FoundPort(Service(metadata=Meta(name=name, namespace=namespace), spec=ServiceSpec(ports=ports)), ports[0], 0)


def _forward(found: FoundPort, draft: Draft, report: Report) -> Forward:
    protocol, tls = _speaks(found, draft, report)
    service = found.service
    offered = draft.api or (None if draft.grpc_only else _asked_by(service, report))
    if offered is not None and protocol is Protocol.HTTP1:
        if draft.protocol is None and not found.port.app_protocol:
            protocol = Protocol.HTTP2  # nobody has said otherwise, and only gRPC can be transcoded
        else:
            offered = None
            if draft.api is None:  # an Ingress may well lead to other things beside gRPC
                path = FieldPath(("spec", "ports", found.index))
                report.add(service_codes.TRANSCODE_NOT_GRPC, ref_of(service), path, service=_name(service))
    if protocol is Protocol.HTTP2:
        _check_name(found, report)
    return Forward(
        _backend(found, draft, protocol, tls),
        idle_timeout_ms=max(draft.read_timeout_ms, draft.send_timeout_ms),
        websocket=protocol is Protocol.HTTP1,
        api=offered,
        host=draft.host,
        # Envoy keeps what it may have to send again: streams are spared that unless somebody asks for it.
        retry=draft.retry if draft.retry_asked or protocol is Protocol.HTTP1 else None,
        session=draft.session,
        hash_key=draft.hash_key,
        mirrors=draft.mirrors,
    )


def _backend(found: FoundPort, draft: Draft, protocol: Protocol, tls: bool) -> Backend:
    meta, spec = found.service.metadata, found.service.spec
    return Backend(
        service=ServicePortRef(meta.namespace, meta.name, found.port.port),
        protocol=protocol,
        tls=tls,
        connect_timeout_ms=draft.connect_timeout_ms,
        dns=spec.external_name if spec.type == "ExternalName" else "",
        trust=draft.trust,
        address=cluster_address(found.service) if draft.cluster_ip else "",
        balance=draft.balance,
        max_connections=draft.max_connections,
        requests_per_connection=draft.requests_per_connection,
        idle_connection_ms=draft.idle_connection_ms,
        ejection=draft.ejection,
        slow_start_ms=draft.slow_start_ms,
    )


def cluster_address(service: Service) -> str:
    """The Service's own IP address; empty for those that have none, whose endpoints are used."""
    try:
        return str(ipaddress.ip_address(service.spec.cluster_ip))
    except ValueError:
        return ""


def _asked_by(service: Service, report: Report) -> Api | None:
    """What the Service itself says about being offered as an API."""
    if TRANSCODE.reads.isdisjoint(service.metadata.annotations):
        return None
    return TRANSCODE.apply(View(service, TRANSCODE.annotations, report), Draft(service.metadata.name)).api


def _speaks(found: FoundPort, draft: Draft, report: Report) -> tuple[Protocol, bool]:
    if draft.protocol is not None:
        return draft.protocol, draft.tls
    said = app_protocol(found.port)
    if said is None and found.port.app_protocol:
        known = ", ".join(APP_PROTOCOLS)
        _at_port(found, report, known, found.port.app_protocol)
    protocol, tls = said or (Protocol.HTTP1, False)
    return protocol, tls or draft.tls


def _at_port(found: FoundPort, report: Report, known: str, value: str) -> None:
    path = FieldPath(("spec", "ports", found.index, "appProtocol"))
    name = _name(found.service)
    report.add(service_codes.BAD_APP_PROTOCOL, ref_of(found.service), path, service=name, value=value, known=known)


def _check_name(found: FoundPort, report: Report) -> None:
    port = found.port
    if port.name.partition("-")[0] != "grpc" and not port.app_protocol:
        path = FieldPath(("spec", "ports", found.index))
        code = service_codes.UNNAMED_GRPC_PORT
        report.add(code, ref_of(found.service), path, service=_name(found.service), port=port.port)


def _name(service: Service) -> str:
    return f"{service.metadata.namespace}/{service.metadata.name}"
