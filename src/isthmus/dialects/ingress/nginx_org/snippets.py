"""server-snippets and location-snippets: raw nginx configuration; the directives in it that have an equal.

The table is in `isthmus.dialects.ingress.snippets`. Rule: a snippet is had whole or not at all, and then the path is
closed.
"""

from __future__ import annotations

from isthmus.dialects.ingress import snippets
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View

SERVER = "nginx.org/server-snippets"
LOCATION = "nginx.org/location-snippets"

_INSTEAD = "say it with annotations, or remove the directive"


def _apply(view: View, draft: Draft) -> Draft:
    for key, server in ((SERVER, True), (LOCATION, False)):
        text = view.text(key)
        changed = snippets.apply(text, snippets.Place(constants(view, draft), server), draft) if text else draft
        if isinstance(changed, str):
            view.refuse(key, changed, _INSTEAD)
        else:
            draft = changed
    return draft


_ANY_OTHER = "any other directive closes the path"

FEATURE = Feature(
    title="Snippets",
    about="Raw nginx configuration. The directives that have an exact equal are read from a fixed table and become "
    "typed configuration; nothing of the text is ever run. NGINX Inc's controller rejects snippets unless it is "
    "started with -enable-snippets; here they are read, because the table can do no harm that annotations cannot.",
    annotations=(
        Annotation(
            SERVER,
            "nginx directives",
            "",
            Handling.DIFFERS,
            f"had: headers of answers, timeouts, body size, for the paths of this Ingress; {_ANY_OTHER}",
            restricts=True,
            setting="server-snippets",
        ),
        Annotation(
            LOCATION,
            "nginx directives",
            "",
            Handling.DIFFERS,
            "had: add_header, more_set_headers, proxy_set_header, proxy_hide_header, return, rewrite to a URL, allow, "
            f"deny, timeouts, body size, cookie and redirect rewriting; {_ANY_OTHER}",
            restricts=True,
            setting="location-snippets",
        ),
    ),
    apply=_apply,
)
