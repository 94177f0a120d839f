"""custom-http-errors, default-backend, disable-proxy-intercept-errors: pages in the place of errors.

The page is what the Service of default-backend answers to a GET for /, with X-Code and what else tells it about the
request; its status is the client's. The same Service answers where the path's own has nobody to answer.
Source: ingress-nginx, custom errors; template, CUSTOM_ERRORS.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.hosts import host_codes as codes
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import app_protocol
from isthmus.ir.action import Forward
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.ir.policy import ErrorPages, HeaderEdit, Policy
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import Meta, ServiceBackend

ERRORS = "nginx.ingress.kubernetes.io/custom-http-errors"
BACKEND = "nginx.ingress.kubernetes.io/default-backend"
OFF = "nginx.ingress.kubernetes.io/disable-proxy-intercept-errors"

_STATUS = re.compile(r"[45][0-9]{2}")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _apply(view: View, draft: Draft) -> Draft:
    fallback = _backend(view)
    draft = replace(draft, fallback=fallback)
    statuses = _statuses(view)
    if not statuses or view.boolean(OFF, False):
        return draft
    if fallback is None:
        view.say(codes.NO_ERROR_PAGES, ERRORS)
        return draft
    headers = (*_told(Meta(view.name, view.namespace), draft.service, ""), _original_uri())
    return replace(draft, policy=replace(draft.policy, errors=ErrorPages(statuses, fallback, headers)))


def _statuses(view: View) -> tuple[int, ...]:
    names = view.names(ERRORS)
    wrong = [name for name in names if not _STATUS.fullmatch(name)]
    if wrong or (view.text(ERRORS) is not None and not names):
        view.invalid(ERRORS, ", ".join(wrong) or "empty", "statuses from 400 to 599 with commas between them")
        return ()
    return tuple(sorted({int(name) for name in names}))


def _backend(view: View) -> Backend | None:
    """The first TCP port of the Service, where it exists."""
    name = view.text(BACKEND)
    if name is None or view.look is None:
        return None
    service = view.look.service(view.namespace, name) if _NAME.fullmatch(name) else None
    ports = [port for port in service.spec.ports if port.protocol == "TCP" and 0 < port.port < 65536] if service else []
    if service is None or not ports or service.spec.type == "ExternalName":
        view.invalid(BACKEND, name or "empty", f"a Service of namespace {view.namespace} that has a port")
        return None
    protocol, tls = app_protocol(ports[0]) or (Protocol.HTTP1, False)
    return Backend(ServicePortRef(view.namespace, name, ports[0].port), protocol, tls)


def to_fallback(draft: Draft, place: tuple[Meta, ServiceBackend | None]) -> tuple[Forward, Policy]:
    """The request goes to the default backend, as it is, with what that needs to know."""
    assert draft.fallback is not None
    meta, service = place
    port = str(service.port.name or service.port.number) if service else ""
    edits = (HeaderEdit("X-Code", ("503",)), *_told(meta, draft.service, port))
    policy = replace(draft.policy, request_headers=(*draft.policy.request_headers, *edits), errors=None)
    idle = max(draft.read_timeout_ms, draft.send_timeout_ms)
    return Forward(draft.fallback, idle_timeout_ms=idle), policy


def with_port(policy: Policy, service: ServiceBackend | None) -> Policy:
    """The page is told the Service's port too, which only the path knows."""
    if policy.errors is None or service is None:
        return policy
    port = HeaderEdit("X-Service-Port", (str(service.port.name or service.port.number),))
    return replace(policy, errors=replace(policy.errors, headers=(*policy.errors.headers, port)))


def _told(meta: Meta, service: str, port: str) -> tuple[HeaderEdit, ...]:
    """What a page is told about the request. X-Code is set by whoever sends it."""
    told = [
        HeaderEdit("X-Format", (Variable(Of.HEADER, "accept"),)),
        HeaderEdit("X-Namespace", (meta.namespace,)),
        HeaderEdit("X-Ingress-Name", (meta.name,)),
        HeaderEdit("X-Service-Name", (service,)),
        HeaderEdit("X-Service-Port", (port,)) if port else None,
        HeaderEdit("X-Request-ID", (Variable(Of.REQUEST_ID),)),
    ]
    return tuple(each for each in told if each is not None)


def _original_uri() -> HeaderEdit:
    return HeaderEdit("X-Original-URI", (Variable(Of.TARGET),))


FEATURE = Feature(
    title="Error pages and default backends",
    about="Answers with the statuses of custom-http-errors are replaced by what the Service of default-backend answers "
    "to a GET for /, which is told about the request in X-Code, X-Format, X-Original-URI, X-Namespace, X-Ingress-Name, "
    "X-Service-Name, X-Service-Port and X-Request-ID. Its status is the client's. Where the path's own Service has no "
    "endpoints, requests go to default-backend as they are. Answers to gRPC are left alone.",
    annotations=(
        Annotation(
            ERRORS,
            "statuses from 400 to 599 with commas between them",
            "none",
            Handling.DIFFERS,
            "without default-backend answers stay as they are",
            setting="custom-http-errors",
        ),
        Annotation(BACKEND, "name of a Service in the Ingress's namespace", "none"),
        Annotation(OFF, "boolean", "false", setting="disable-proxy-intercept-errors"),
    ),
    apply=_apply,
)
