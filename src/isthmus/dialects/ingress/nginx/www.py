"""from-to-www-redirect: the host with www sends to the one without, or the other way round.

The claim itself is made in `isthmus.dialects.ingress.hosts.other_names`. Rule: a host that has rules of its own is left
alone.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.view import View

WWW = "nginx.ingress.kubernetes.io/from-to-www-redirect"


def _apply(view: View, draft: Draft) -> Draft:
    view.boolean(WWW, False)
    return draft


FEATURE = Feature(
    title="Redirects from and to www",
    about="For a host example.com, www.example.com sends there with 308 (http-redirect-code in the ConfigMap), and the "
    "other way round for a host www.example.com. Scheme, path and query stay. A host that has rules or is an alias is "
    "left alone. Over TLS the certificate of the host is shown, which should cover both names.",
    annotations=(
        Annotation(
            WWW,
            "boolean",
            "false",
            Handling.DIFFERS,
            "a slash at the end of the path stays, and the port is written only where it is not the usual one",
            met_by=TRUE,
        ),
    ),
    apply=_apply,
)
