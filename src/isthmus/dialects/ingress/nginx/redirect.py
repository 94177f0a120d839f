"""ssl-redirect and force-ssl-redirect: cleartext requests are sent to HTTPS with 308.

ssl-redirect (on by default) acts where the host has TLS; force-ssl-redirect acts everywhere.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation
from isthmus.dialects.ingress.view import View

SSL_REDIRECT = "nginx.ingress.kubernetes.io/ssl-redirect"
FORCE = "nginx.ingress.kubernetes.io/force-ssl-redirect"


def _apply(view: View, draft: Draft) -> Draft:
    return replace(
        draft,
        ssl_redirect=view.boolean(SSL_REDIRECT, draft.ssl_redirect),
        force_ssl_redirect=view.boolean(FORCE, draft.force_ssl_redirect),
    )


FEATURE = Feature(
    title="Redirects to HTTPS",
    about="Cleartext requests are sent to HTTPS. Cleartext gRPC is told instead, because gRPC clients do not follow "
    "redirects.",
    annotations=(
        Annotation(SSL_REDIRECT, "boolean", "true; acts where the host has TLS", setting="ssl-redirect"),
        Annotation(FORCE, "boolean", "false", setting="force-ssl-redirect"),
    ),
    apply=_apply,
)
