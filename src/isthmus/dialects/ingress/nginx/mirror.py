"""mirror-target, mirror-host, mirror-request-body: a copy of each request goes elsewhere, and answers are thrown
away.

The target is a URL with nginx's variables in its path. Source: ingress-nginx, user guide, "Mirror". A target that
cannot be had is reported and gives no copy: the request itself is not touched by that.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_variables import constants
from isthmus.dialects.ingress.grammar.url_server import url_server
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.action import Mirror
from isthmus.ir.backend import Protocol
from isthmus.ir.template import Of, Variable, literal

TARGET = "nginx.ingress.kubernetes.io/mirror-target"
HOST = "nginx.ingress.kubernetes.io/mirror-host"
BODY = "nginx.ingress.kubernetes.io/mirror-request-body"

_TARGET = (Variable(Of.TARGET),)
_PARTS = (Variable(Of.PATH), Variable(Of.QUERY_MARK), Variable(Of.QUERY))
_OWN = (_TARGET, ("/", *_TARGET), _PARTS, ("/", *_PARTS))  # ways to write the request's own path and query
_BARE = re.compile(r"(https?://[^/?#$]+)(\$\{?(?:request_uri|uri|document_uri)(?![A-Za-z0-9_]).*)?", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")


def _apply(view: View, draft: Draft) -> Draft:
    body, host = view.on_off(BODY, True), view.text(HOST)
    target = view.text(TARGET)
    if not target:
        for key in (HOST, BODY):
            if view.given(key):
                view.say(codes.ALONE, key, other=TARGET)
        return draft
    names = constants(view.namespace, view.name, draft.service)
    bare = _BARE.fullmatch(target)
    url = f"{bare[1]}/{bare[2] or '$request_uri'}" if bare else target
    server = url_server(url, names, view.namespace, view.look)
    if isinstance(server, str) or server.backend is None:
        reason = server if isinstance(server, str) else "a copy to this gateway would be copied again"
        view.invalid(TARGET, target[:200], f"a URL with nginx's variables ({reason})")
        return draft
    if host is not None and not _HOST.fullmatch(host):
        view.invalid(HOST, host[:200], "a host name, with or without a port")
        host = None
    if not body:
        view.differs(BODY, "the copy has the body too: Envoy cannot leave it out")
    protocol = draft.protocol or Protocol.HTTP1
    backend = replace(server.backend, protocol=protocol)
    if server.rest not in _OWN:
        view.differs(TARGET, "the copy asks for what the request asks for, whatever the path of the target")
    mirror = Mirror(backend, host or literal(server.host) or "")
    return replace(draft, mirrors=(*draft.mirrors, mirror))


FEATURE = Feature(
    title="Mirrors",
    about="A copy of each request goes to another server, whose answers are thrown away. Services of the cluster are "
    "reached directly. The request waits for nothing.",
    annotations=(
        Annotation(
            TARGET,
            "URL, with variables in its path",
            "none",
            Handling.DIFFERS,
            "the copy asks for what the request asks for, after a rewrite: $request_uri; other paths of a target are "
            "reported. gRPC goes to the mirror as gRPC, in nginx as HTTP/1.1. A host with variables, and addresses of "
            "the gateway's own machine, give no copy",
        ),
        Annotation(HOST, "host name", "the target's"),
        Annotation(BODY, "on or off", "on", Handling.DIFFERS, "off: the copy has the body all the same", met_by="off"),
    ),
    apply=_apply,
)
