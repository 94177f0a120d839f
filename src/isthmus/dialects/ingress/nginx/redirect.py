"""ssl-redirect and force-ssl-redirect: cleartext requests are sent to HTTPS with 308.

ssl-redirect (on by default) acts where the host has TLS; force-ssl-redirect acts everywhere.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Draft, Feature, View

SSL_REDIRECT = "nginx.ingress.kubernetes.io/ssl-redirect"
FORCE = "nginx.ingress.kubernetes.io/force-ssl-redirect"


def _apply(view: View, draft: Draft) -> Draft:
    return replace(
        draft,
        ssl_redirect=view.boolean(SSL_REDIRECT, draft.ssl_redirect),
        force_ssl_redirect=view.boolean(FORCE, draft.force_ssl_redirect),
    )


FEATURE = Feature(reads=frozenset({SSL_REDIRECT, FORCE}), apply=_apply)
