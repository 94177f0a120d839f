"""rewrites and rewrite-target: the path that the backend sees.

`rewrites` gives Services a new beginning of the path, nginx's proxy_pass with a URI. `rewrite-target` gives a whole
new path, with $1 for the groups of the path where path-regex makes one of it. Beside `rewrites` it does not count.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft, PathKind
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.service_lists import Entry, entries
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import closest

REWRITES = "nginx.org/rewrites"
TARGET = "nginx.org/rewrite-target"

_PATH = re.compile(r"/[^\s{};$\\\"'\x00-\x20\x7f]{0,2000}")
_TARGET = re.compile(r"/(?:[^\s{};$\\\"'\x00-\x20\x7f]|\$[1-9](?![0-9])){0,2000}")
_REGEX = (PathKind.REGEX, PathKind.REGEX_ANY_CASE)


def _apply(view: View, draft: Draft) -> Draft:
    if view.text(REWRITES) is not None:
        if view.text(TARGET) is not None:
            view.say(codes.BESIDE, TARGET, other=REWRITES)
        return _prefix(view, draft)
    target = view.text(TARGET)
    if target is None:
        return draft
    if not _TARGET.fullmatch(target):
        view.invalid(TARGET, target, "a path that begins with /, where $1 to $9 are groups")
        return draft
    if "$" in target and draft.path_kind not in _REGEX:
        view.refuse(TARGET, "without path-regex there are no groups", "add nginx.org/path-regex: case_sensitive")
        return draft
    return replace(draft, new_path=target)


def _prefix(view: View, draft: Draft) -> Draft:
    found = entries(view.text(REWRITES) or "", ";")
    wrong = next((entry.text for entry in found if not _is_rewrite(entry)), "" if found else "empty")
    if wrong or not found:
        view.invalid(REWRITES, wrong, "serviceName=NAME rewrite=/PATH, several of them between semicolons")
        return draft
    for entry in found:
        if entry.service not in view.services:
            hint = closest(entry.service, view.services)
            view.say(annotation_codes.SERVICE_NOT_USED, REWRITES, value=entry.service, hint=hint)
    path = next((_path(entry) for entry in reversed(found) if entry.service == draft.service), "")
    if path and draft.path_kind in _REGEX:
        view.refuse(REWRITES, "a regular expression has no beginning to replace", "use nginx.org/rewrite-target")
        return draft
    return replace(draft, new_prefix=path)


def _is_rewrite(entry: Entry) -> bool:
    return bool(entry.service) and len(entry.words) == 1 and _PATH.fullmatch(_path(entry)) is not None


def _path(entry: Entry) -> str:
    return entry.words[0].removeprefix("rewrite=") if entry.words[0].startswith("rewrite=") else ""


FEATURE = Feature(
    title="Rewrites",
    about="The path that the backend sees. rewrites replaces the part of the path that the rule matched: with the rule "
    "/tea and rewrite=/, /tea/green becomes //green, as in nginx; write rule and rewrite both with a slash at the end, "
    "or both without. rewrite-target is the whole new path.",
    annotations=(
        Annotation(REWRITES, "serviceName=NAME rewrite=/PATH, several between semicolons"),
        Annotation(
            TARGET,
            "path, with $1 to $9 for groups of the path",
            "",
            Handling.DIFFERS,
            "$1 without path-regex closes the path, because there are no groups",
            met_by=r".*[$].*",
        ),
    ),
    apply=_apply,
)
