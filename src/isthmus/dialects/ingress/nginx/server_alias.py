"""server-alias: more names for the hosts of an Ingress.

The claims themselves are made in `isthmus.dialects.ingress.hosts.other_names`. Rule: an alias never takes a host
that has rules of its own.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.host_names import is_host
from isthmus.dialects.ingress.view import View

ALIAS = "nginx.ingress.kubernetes.io/server-alias"


def _apply(view: View, draft: Draft) -> Draft:
    wrong = [name for name in view.names(ALIAS) if not is_host(name.lower())]
    if wrong or not view.names(ALIAS):
        expected = "host names with commas between them, each exact or with a wildcard for its whole first label"
        view.invalid(ALIAS, ", ".join(wrong) or "empty", expected)
    return draft


FEATURE = Feature(
    title="Aliases",
    about="More names for the hosts of an Ingress: they serve all paths of the host, over TLS too where its "
    "certificate covers them. An alias never takes a host that has rules of its own. An Ingress with several hosts "
    "gives the alias to the first of them by name.",
    annotations=(
        Annotation(
            ALIAS,
            "host names with commas between them",
            "none",
            Handling.DIFFERS,
            "a wildcard stands for one label, and regular expressions (~) are reported and left out",
            met_by=r".*[*~].*",
        ),
    ),
    apply=_apply,
)
