"""basic-auth-secret and basic-auth-realm: user names and passwords of an htpasswd file in a Secret.

Rule: without a Secret that names at least one user nobody gets in: the path is closed.
"""

from __future__ import annotations

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.authorizations import authorized
from isthmus.dialects.ingress.nginx_org.credentials import users
from isthmus.dialects.ingress.view import View
from isthmus.ir.authorization import BasicAuth

SECRET = "nginx.org/basic-auth-secret"
REALM = "nginx.org/basic-auth-realm"

_LONGEST = 200
MOST_TOLD = 10


def _apply(view: View, draft: Draft) -> Draft:
    if view.text(SECRET) is None:
        view.say(codes.NEEDS_OTHER, REALM, other=SECRET)
        return draft
    secret = view.secret(SECRET)
    if secret is None:
        return draft  # reported, and closed
    name = f"{secret.metadata.namespace}/{secret.metadata.name}"
    found, reason = users(secret)
    for problem in found.problems[:MOST_TOLD]:
        view.say(annotation_codes.UNUSABLE_PASSWORD, SECRET, name=f"Secret {name}", reason=problem)
    if reason:
        view.closed = True
        view.say(annotation_codes.BROKEN_REFERENCE, SECRET, kind="Secret", name=name, reason=reason)
        return draft
    return authorized(view, draft, BasicAuth(realm(view, REALM), found.users))


def realm(view: View, key: str) -> str:
    """What clients show to people who are to log in."""
    value = view.text(key) or ""
    if len(value) <= _LONGEST and value.isprintable() and value.isascii() and "$" not in value:
        return value
    view.invalid(key, value, f"at most {_LONGEST} printable ASCII characters without $")
    return ""


FEATURE = Feature(
    title="Basic authentication",
    about="Requests must bring a name and a password that the Secret's htpasswd file has. The Secret is of the type "
    "nginx.org/htpasswd and in the Ingress's own namespace. Without one that can be used the path is closed.",
    annotations=(
        Annotation(SECRET, "name of a Secret", "", Handling.HELPER, "", restricts=True),
        Annotation(REALM, "text", "", Handling.HELPER),
    ),
    apply=_apply,
)
