"""cors Policies: which pages of other origins may call.

Source: NGINX Ingress Controller, Policy resources. Rule: an origin that cannot be read makes the Policy unusable; it
never becomes everybody.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.origins import EVERYBODY, web_origin
from isthmus.dialects.ingress.nginx_org.attached import Attached, Broken, Changed
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Cors

_METHOD = re.compile(r"[A-Za-z]{1,50}|\*")
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,200}|\*")
_LONGEST = 2**31 - 1


def apply(_: View, attached: Attached, draft: Draft) -> Changed:
    """What the Policy asks of browsers, answered by the gateway."""
    asked = attached.policy.spec.cors
    assert asked is not None
    written = asked.allow_origin or ()
    origins = EVERYBODY if "*" in written else tuple(web_origin(each) for each in written)
    for each, origin in zip(written, origins, strict=False):
        if origin is None:
            return Broken(f"{each[:60]!r} in cors.allowOrigin is no origin")
    named = (("allowMethods", asked.allow_methods, _METHOD), ("allowHeaders", asked.allow_headers, _HEADER))
    for field, names, pattern in (*named, ("exposeHeaders", asked.expose_headers, _HEADER)):
        wrong = next((each for each in names or () if not pattern.fullmatch(each)), None)
        if wrong is not None:
            return Broken(f"{wrong[:60]!r} in cors.{field} is no name")
    if not written or not 0 <= (asked.max_age or 0) <= _LONGEST:
        return Broken("cors.maxAge is out of range" if written else "cors.allowOrigin is empty")
    cors = Cors(
        origins=tuple(each for each in origins if each is not None),
        methods=asked.allow_methods or (),
        headers=asked.allow_headers or (),
        expose=asked.expose_headers or (),
        credentials=asked.allow_credentials is True and origins != EVERYBODY,
        max_age_s=asked.max_age or 0,
    )
    return replace(draft, policy=replace(draft.policy, cors=cors))
