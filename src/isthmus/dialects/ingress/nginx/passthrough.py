"""ssl-passthrough: connections for the host go to the backend of its path `/` as they are, nothing is decrypted.

Nothing else that the Ingress says about requests can count then. Rule: what restricts access and cannot be honoured
closes the host rather than let connections through. Source: ingress-nginx, user guide, "TLS/HTTPS", SSL Passthrough.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.view import View

KEY = "nginx.ingress.kubernetes.io/ssl-passthrough"


def _apply(view: View, draft: Draft) -> Draft:
    return replace(draft, host_tls=replace(draft.host_tls, passthrough=view.boolean(KEY, False)))


FEATURE = Feature(
    title="Passing TLS through",
    about="Envoy reads the name that a client asks for in its handshake and passes the connection on, encrypted, to "
    "the backend of the host's path /. Other annotations have no effect on such connections; requests in clear are "
    "served as ever.",
    annotations=(
        Annotation(
            KEY,
            "boolean",
            "false",
            Handling.DIFFERS,
            "needs no flag of the controller; a connection on which nothing moves for an hour is closed; together "
            "with annotations that restrict access, which nobody could check, the paths are closed; connections "
            "without a server name are refused",
            restricts=True,
            met_by=TRUE,
        ),
    ),
    apply=_apply,
)
