"""backend-protocol and proxy-http-version: how the Service is spoken to.

Source: ingress-nginx, user guide, "Backend Protocol"; values in any case, an invalid one means HTTP.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Protocol

PROTOCOL = "nginx.ingress.kubernetes.io/backend-protocol"
HTTP_VERSION = "nginx.ingress.kubernetes.io/proxy-http-version"

_WORDS = {
    "HTTP": (Protocol.HTTP1, False),
    "HTTPS": (Protocol.HTTP1, True),
    "AUTO_HTTP": (Protocol.HTTP1, False),
    "GRPC": (Protocol.HTTP2, False),
    "GRPCS": (Protocol.HTTP2, True),
}


def _apply(view: View, draft: Draft) -> Draft:
    version = view.text(HTTP_VERSION)
    if version == "1.0":
        view.differs(HTTP_VERSION, "Envoy speaks HTTP/1.1 to the backend, which answers in 1.0 if it must")
    elif version not in (None, "1.1"):
        view.invalid(HTTP_VERSION, (version or "empty")[:200], "1.0 or 1.1")
    if view.text(PROTOCOL) is None:
        return draft
    word = view.word(PROTOCOL, (*_WORDS, "FCGI"), "HTTP")
    if word == "FCGI":
        view.refuse(PROTOCOL, "Envoy does not speak FastCGI", "put an HTTP server before the FastCGI one")
        return draft
    protocol, tls = _WORDS[word]
    return replace(draft, protocol=protocol, tls=tls, tls_as_client=word == "AUTO_HTTP")


FEATURE = Feature(
    title="Backend protocol",
    about="How the Service is spoken to. HTTPS and GRPCS encrypt without verifying, as in nginx; see the family on TLS "
    "to backends for more. With AUTO_HTTP requests that came over TLS go to the backend over TLS, others in clear. "
    "WebSocket needs no annotation.",
    annotations=(
        Annotation(
            PROTOCOL,
            "HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS or FCGI, in any case",
            "HTTP",
            Handling.DIFFERS,
            "FCGI closes the path",
            met_by="fcgi",
        ),
        Annotation(
            HTTP_VERSION,
            "1.0 or 1.1",
            "1.1",
            Handling.DIFFERS,
            "Envoy speaks HTTP/1.1 to HTTP backends in any case",
            setting="proxy-http-version",
            met_by="1[.]0",
        ),
    ),
    apply=_apply,
)
