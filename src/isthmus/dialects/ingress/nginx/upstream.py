"""service-upstream, upstream-vhost, x-forwarded-prefix, connection-proxy-header: where the backend is and what
it is told.

Source: ingress-nginx, user guide. x-forwarded-prefix counts with rewrite-target only, so this family comes after
rewriting; a Host that cannot be read is reported, and the backend sees the client's.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_variables import constants
from isthmus.dialects.ingress.grammar.upstream_host import upstream_host
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import HeaderEdit

CLUSTER_IP = "nginx.ingress.kubernetes.io/service-upstream"
HOST = "nginx.ingress.kubernetes.io/upstream-vhost"
PREFIX = "nginx.ingress.kubernetes.io/x-forwarded-prefix"
CONNECTION = "nginx.ingress.kubernetes.io/connection-proxy-header"
_REWRITE = "nginx.ingress.kubernetes.io/rewrite-target"

_PATH = re.compile(r"[A-Za-z0-9._~/:-]{1,1024}")
_TOKENS = re.compile(r"[A-Za-z0-9-]{1,64}( ?, ?[A-Za-z0-9-]{1,64}){0,15}")


def _apply(view: View, draft: Draft) -> Draft:
    connection = view.text(CONNECTION)
    if connection and not _TOKENS.fullmatch(connection):
        view.invalid(CONNECTION, connection[:200], "names between commas, such as keep-alive")
    draft = _named(view, draft)
    draft = _prefixed(view, draft)
    return replace(draft, cluster_ip=view.boolean(CLUSTER_IP, draft.cluster_ip))


def _named(view: View, draft: Draft) -> Draft:
    """The Host header that the backend sees."""
    text = view.text(HOST)
    if not text:
        return draft
    host = upstream_host(text, constants(view.namespace, view.name, draft.service))
    if isinstance(host, str):
        view.invalid(HOST, text[:200], f"a host name, or text with nginx's variables ({host})")
        return draft
    return replace(draft, host=host)


def _prefixed(view: View, draft: Draft) -> Draft:
    """Which part of the path a rewrite took away, as the backend is told."""
    text = view.text(PREFIX)
    if not text:
        return draft
    if not _PATH.fullmatch(text):
        view.invalid(PREFIX, text[:200], "a path of letters, digits and . _ ~ / : -")
        return draft
    if draft.rewrite is None:
        view.say(codes.ALONE, PREFIX, other=_REWRITE)
        return draft
    edit = HeaderEdit("x-forwarded-prefix", (text,))
    return replace(draft, policy=replace(draft.policy, request_headers=(*draft.policy.request_headers, edit)))


FEATURE = Feature(
    title="The backend's address and what it is told",
    about="Whether requests go to the Service's own address in place of its endpoints, under which name the backend is "
    "asked, and which prefix a rewrite took from the path.",
    annotations=(
        Annotation(
            CLUSTER_IP,
            "boolean",
            "false",
            Handling.DIFFERS,
            "Services without an address of their own (headless, ExternalName) are reached as without the annotation; "
            "affinity, hashes and retries have one address to choose from, as in nginx",
            setting="service-upstream",
            met_by=TRUE,
        ),
        Annotation(HOST, "host name, with variables", "the client's"),
        Annotation(PREFIX, "path", "none"),
        Annotation(
            CONNECTION,
            "value of the Connection header",
            "what the client's request needs",
            Handling.NO_EFFECT,
            "Envoy keeps connections to backends by itself, and passes an upgrade on",
        ),
    ),
    apply=_apply,
)
