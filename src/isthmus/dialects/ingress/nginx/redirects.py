"""permanent-redirect, temporal-redirect and how redirects are written: requests that are sent elsewhere.

A redirect comes before everything that a path asks of requests, as in nginx. Rule: a target that cannot be filled is
never sent half filled, the path is closed. Source: ingress-nginx, redirect annotations; nginx, return.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_variables import constants, parse
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.action import SendTo
from isthmus.ir.template import Of, Template, Variable

_PREFIX = "nginx.ingress.kubernetes.io/"
PERMANENT = f"{_PREFIX}permanent-redirect"
PERMANENT_CODE = f"{_PREFIX}permanent-redirect-code"
TEMPORAL = f"{_PREFIX}temporal-redirect"
TEMPORAL_CODE = f"{_PREFIX}temporal-redirect-code"
RELATIVE = f"{_PREFIX}relative-redirects"
PORT = f"{_PREFIX}use-port-in-redirects"
SLASH = f"{_PREFIX}preserve-trailing-slash"

_URL = re.compile(
    r"(https?://|/|\$(scheme|pass_access_scheme)://)[^\s\"'{}\\<>]*(\$\{[a-z0-9_]+\}[^\s\"'{}\\<>]*)*", re.I
)


def _apply(view: View, draft: Draft) -> Draft:
    relative = view.boolean(RELATIVE, False)
    view.boolean(PORT, False)
    if not view.boolean(SLASH, True):
        view.differs(SLASH, "the slash at the end of the path stays on the way to HTTPS")
    draft = replace(draft, relative=relative)
    if view.text(TEMPORAL):
        return _sent(view, draft, TEMPORAL, view.integer(TEMPORAL_CODE, 302, 300, 308))
    if view.text(PERMANENT):
        return _sent(view, draft, PERMANENT, view.integer(PERMANENT_CODE, 301, 300, 308))
    for key in (TEMPORAL, PERMANENT):
        if view.text(key) == "":
            view.invalid(key, "empty", "an http or https URL, or a path")
    return draft


def _sent(view: View, draft: Draft, key: str, status: int) -> Draft:
    text = view.text(key) or ""
    if not _URL.fullmatch(text):
        view.refuse(key, f"{text} is no http or https URL and no path", "write a whole URL, without spaces or quotes")
        return draft
    location = parse(text, constants(view.namespace, view.name, draft.service))
    if isinstance(location, str):
        view.refuse(key, location, "use variables that are listed in the documentation")
        return draft
    return replace(draft, redirect=SendTo(_absolute(location, draft.relative), status))


def _absolute(location: Template, relative: bool) -> Template:
    """nginx puts scheme and host before a path, unless redirects are to be relative."""
    first = location[0] if location else ""
    is_path = isinstance(first, str) and first.startswith("/")
    return (Variable(Of.ORIGIN), *location) if is_path and not relative else location


FEATURE = Feature(
    title="Redirects",
    about="Requests are sent to another URL, before anything is asked of them; temporal-redirect counts before "
    "permanent-redirect. Targets may hold variables such as $request_uri. Targets that are a path of the same host, "
    "and redirects to paths that end in a slash, are written with scheme and host unless relative-redirects is true.",
    annotations=(
        Annotation(PERMANENT, "http or https URL, or a path; with variables", "none"),
        Annotation(PERMANENT_CODE, "300 to 308", "301"),
        Annotation(TEMPORAL, "http or https URL, or a path; with variables", "none"),
        Annotation(TEMPORAL_CODE, "300 to 308", "302"),
        Annotation(RELATIVE, "boolean", "false", setting="relative-redirects"),
        Annotation(
            PORT,
            "boolean",
            "false",
            Handling.DIFFERS,
            "the port is written wherever it is not the usual one, whatever the value",
            setting="use-port-in-redirects",
        ),
        Annotation(
            SLASH,
            "boolean",
            "false",
            Handling.DIFFERS,
            "a slash at the end of the path always stays; ingress-nginx takes it away on the way to HTTPS unless true",
            setting="preserve-trailing-slash",
            met_by="0|f|false",
        ),
    ),
    apply=_apply,
)
