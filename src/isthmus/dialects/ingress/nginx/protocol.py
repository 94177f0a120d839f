"""backend-protocol and proxy-http-version: how the Service is spoken to.

Source: ingress-nginx, user guide, "Backend Protocol"; values in any case, an invalid one means HTTP.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
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
    "GRPC": (Protocol.HTTP2, False),
    "GRPCS": (Protocol.HTTP2, True),
}


def _apply(view: View, draft: Draft) -> Draft:
    version = view.text(HTTP_VERSION)
    if version not in (None, "1.1"):
        view.invalid(HTTP_VERSION, version or "", "1.1, which is what Envoy speaks to HTTP backends")
    if view.text(PROTOCOL) is None:
        return draft
    word = view.word(PROTOCOL, (*_WORDS, "AUTO_HTTP", "FCGI"), "HTTP")
    if word == "FCGI":
        view.refuse(PROTOCOL, "Envoy does not speak FastCGI", "put an HTTP server before the FastCGI one")
        return draft
    if word == "AUTO_HTTP":
        view.say(codes.AUTO_PROTOCOL, PROTOCOL)
        word = "HTTP"
    protocol, tls = _WORDS[word]
    return replace(draft, protocol=protocol, tls=tls)


FEATURE = Feature(
    title="Backend protocol",
    about="How the Service is spoken to. HTTPS and GRPCS encrypt without verifying, as in nginx; see the family on TLS "
    "to backends for more. WebSocket needs no annotation.",
    annotations=(
        Annotation(
            PROTOCOL,
            "HTTP, HTTPS, GRPC, GRPCS, AUTO_HTTP or FCGI, in any case",
            "HTTP",
            Handling.DIFFERS,
            "AUTO_HTTP is HTTP; FCGI closes the path",
        ),
        Annotation(
            HTTP_VERSION,
            "1.1",
            "1.1",
            Handling.DIFFERS,
            "Envoy speaks HTTP/1.1 to HTTP backends; 1.0 is reported",
            setting="proxy-http-version",
        ),
    ),
    apply=_apply,
)
