"""custom-http-errors: answers with these statuses are replaced by what spec.defaultBackend answers.

The status stays, as with NGINX Inc's controller. gRPC is left alone.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import app_protocol, find_port
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.ir.policy import ErrorPages

ERRORS = "nginx.org/custom-http-errors"

_STATUS = re.compile(r"[45](xx|[0-9]{2})")
_PLAIN = (Protocol.HTTP1, False)


def _apply(view: View, draft: Draft) -> Draft:
    names = [name.lower() for name in view.names(ERRORS)]
    wrong = next((name for name in names if not _STATUS.fullmatch(name)), "" if names else "empty")
    if wrong:
        view.invalid(ERRORS, wrong, "statuses from 400 to 599, 4xx or 5xx, between commas")
        return draft
    backend = _default_backend(view)
    if backend is None:
        view.say(codes.NEEDS_OTHER, ERRORS, other="a spec.defaultBackend that exists")
        return draft
    if draft.protocol is Protocol.HTTP2:
        return draft
    pages = ErrorPages(_statuses(names), backend, keep_status=True)
    return replace(draft, policy=replace(draft.policy, errors=pages))


def _statuses(names: list[str]) -> tuple[int, ...]:
    found: set[int] = set()
    for name in names:
        first = int(name[0]) * 100
        found.update(range(first, first + 100) if name.endswith("xx") else (int(name),))
    return tuple(sorted(found))


def _default_backend(view: View) -> Backend | None:
    """The backend that takes what no rule takes, where it is a port of a Service that exists."""
    namespace, backend = view.default_backend or ("", None)
    if backend is None or backend.service is None or view.look is None:
        return None
    service = view.look.service(namespace, backend.service.name)
    wanted = backend.service.port
    found = find_port(service, wanted.name, wanted.number) if service is not None else None
    if found is None or service is None or service.spec.type == "ExternalName":
        return None
    protocol, tls = app_protocol(found.port) or _PLAIN
    return Backend(ServicePortRef(namespace, service.metadata.name, found.port.port), protocol, tls)


FEATURE = Feature(
    title="Error pages",
    about="Answers with some statuses are replaced by what the Ingress's default backend answers to a GET for /; the "
    "status stays. Answers to gRPC are left alone.",
    annotations=(
        Annotation(
            ERRORS,
            "statuses from 400 to 599, 4xx or 5xx, between commas",
            "",
            Handling.DIFFERS,
            "the page is asked for at /, with the path of the request in X-Original-URI",
        ),
    ),
    apply=_apply,
)
