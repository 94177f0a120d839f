"""backend-protocol and proxy-http-version: how the Service is spoken to.

Source: ingress-nginx, user guide, "Backend Protocol"; values in any case, an invalid one means HTTP.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress import codes
from isthmus.dialects.ingress.annotations import Draft, Feature, View
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
        view.say(codes.UNSUPPORTED_PROTOCOL, PROTOCOL, value=word)
        return replace(draft, closed=True)
    if word == "AUTO_HTTP":
        view.say(codes.AUTO_PROTOCOL, PROTOCOL)
        word = "HTTP"
    protocol, tls = _WORDS[word]
    return replace(draft, protocol=protocol, tls=tls)


FEATURE = Feature(reads=frozenset({PROTOCOL, HTTP_VERSION}), apply=_apply)
