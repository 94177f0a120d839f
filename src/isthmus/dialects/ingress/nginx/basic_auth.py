"""auth-type, auth-secret, auth-secret-type and auth-realm: user names and passwords from a Secret.

Rule: without a Secret that has at least one user who can be judged nobody gets in: the path is closed. Source:
ingress-nginx, user guide, "Authentication".
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir import htpasswd
from isthmus.ir.authorization import Authorization, BasicAuth
from isthmus.kube.objects import Secret
from isthmus.kube.secret_values import keys, text

TYPE = "nginx.ingress.kubernetes.io/auth-type"
SECRET = "nginx.ingress.kubernetes.io/auth-secret"
SECRET_TYPE = "nginx.ingress.kubernetes.io/auth-secret-type"
REALM = "nginx.ingress.kubernetes.io/auth-realm"

_FILE = "auth"  # the key of an auth-file
_LONGEST_REALM = 200
_MOST_TOLD = 10


def _apply(view: View, draft: Draft) -> Draft:
    kind = view.text(TYPE)
    if kind is None:
        if view.text(SECRET) is not None:
            view.refuse(SECRET, "no auth-type says what it is for", "add auth-type: basic, or remove it")
        return draft
    if kind == "digest":
        view.refuse(TYPE, "Envoy and its helper do not speak HTTP digest authentication", "use basic over TLS")
        return draft
    if kind != "basic":
        view.invalid(TYPE, kind, "basic")
        return draft
    if view.text(SECRET) is None:
        view.refuse(TYPE, "no auth-secret names the users", "add auth-secret")
        return draft
    secret = view.secret(SECRET)
    users = _users(view, secret) if secret is not None else ()
    if not users:
        view.closed = True  # reported already
        return draft
    policy = draft.policy
    found = policy.authorization or Authorization(f"{view.namespace}/{view.name}")
    found = replace(found, basic=BasicAuth(_realm(view), users))
    return replace(draft, policy=replace(policy, authorization=found))


def _users(view: View, secret: Secret) -> htpasswd.Users:
    """The users who can log in; those who cannot are reported."""
    name = f"Secret {secret.metadata.namespace}/{secret.metadata.name}"
    kind = view.text(SECRET_TYPE)
    if kind not in (None, "auth-file", "auth-map"):
        view.invalid(SECRET_TYPE, kind or "empty", "auth-file or auth-map")
        return ()
    parsed, missing = _map(secret) if kind == "auth-map" else _file(secret)
    for problem in parsed.problems[:_MOST_TOLD]:
        view.say(codes.UNUSABLE_PASSWORD, SECRET, name=name, reason=problem)
    if not parsed.users:
        reason = missing or "it names no user who can log in"
        view.say(codes.BROKEN_REFERENCE, SECRET, kind="Secret", name=name.partition(" ")[2], reason=reason)
    return parsed.users


def _file(secret: Secret) -> tuple[htpasswd.Htpasswd, str]:
    """An htpasswd file under one key."""
    content, missing = text(secret, _FILE)
    return htpasswd.parse(content), missing


def _map(secret: Secret) -> tuple[htpasswd.Htpasswd, str]:
    """Every key is a user, its value the hash."""
    found = [(user, *text(secret, user)) for user in keys(secret)]
    return htpasswd.judge((f"key {user}", user, value.strip()) for user, value, _ in found), ""


def _realm(view: View) -> str:
    value = view.text(REALM) or ""
    if len(value) <= _LONGEST_REALM and value.isprintable() and value.isascii():
        return value
    view.invalid(REALM, value, f"at most {_LONGEST_REALM} printable ASCII characters")
    return ""


FEATURE = Feature(
    title="Basic authentication",
    about="Requests must bring a name and a password that fits a hash in a Secret: bcrypt, apr1, SHA-crypt, {SHA}, "
    "{SSHA}, or the crypt of old. The authorization helper judges them, remembers what it judged for a minute, and "
    "takes as long for unknown users as for known ones. The backend never sees the password.",
    annotations=(
        Annotation(
            TYPE, "basic or digest", "none", Handling.HELPER, "digest is refused: use basic over TLS", restricts=True
        ),
        Annotation(
            SECRET,
            "name of a Secret, in the Ingress's own namespace",
            "",
            Handling.HELPER,
            "a plain password, {PLAIN}, or a hash that takes more than about a second (bcrypt above cost 14, SHA-crypt "
            "above 1,000,000 rounds) lets nobody in; a Secret without any user closes the path (503), where nginx asks "
            "for a password in vain",
            restricts=True,
        ),
        Annotation(SECRET_TYPE, "auth-file or auth-map", "auth-file", Handling.HELPER, restricts=True),
        Annotation(REALM, "printable ASCII text", "empty", Handling.HELPER, "taken literally, off too"),
    ),
    apply=_apply,
)
