"""grpc-services, ssl-services, websocket-services, fastcgi-services: Service names, and how each is spoken to.

WebSocket passes everywhere in Isthmus, so websocket-services is only checked. Names that the Ingress does not
use are reported: the controller that the annotations come from ignores them without a word.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import closest
from isthmus.ir.backend import Protocol

GRPC = "nginx.org/grpc-services"
SSL = "nginx.org/ssl-services"
WEBSOCKET = "nginx.org/websocket-services"
FASTCGI = "nginx.org/fastcgi-services"


def _apply(view: View, draft: Draft) -> Draft:
    used = view.services
    for key in (GRPC, SSL, WEBSOCKET, FASTCGI):
        for name in view.names(key):
            if name not in used:
                view.say(codes.SERVICE_NOT_USED, key, value=name, hint=closest(name, used))
    if draft.service in view.names(GRPC):
        draft = replace(draft, protocol=Protocol.HTTP2)
    if draft.service in view.names(SSL):
        draft = replace(draft, tls=True)
    if draft.service in view.names(FASTCGI):
        view.refuse(FASTCGI, f"Envoy does not speak FastCGI to {draft.service}", "put an HTTP server before it")
    return draft


FEATURE = Feature(
    title="Protocols of Services",
    about="Lists of Services of the Ingress, saying how each is spoken to. Names that the Ingress does not use are "
    "reported.",
    annotations=(
        Annotation(GRPC, "names of Services"),
        Annotation(SSL, "names of Services"),
        Annotation(WEBSOCKET, "names of Services", "", Handling.NO_EFFECT, "WebSocket passes without it"),
        Annotation(
            FASTCGI,
            "names of Services",
            "",
            Handling.DIFFERS,
            "Envoy does not speak FastCGI: paths that lead to these Services are closed, others are served",
        ),
    ),
    apply=_apply,
)
