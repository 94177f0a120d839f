"""Habits of ingress-nginx that one may want to be rid of: each has a name that `--without` takes.

Rule: without a quirk the objects mean what they say and nothing more. Imports nothing, because command lines need it
before anything else is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HSTS = "hsts"
SLASH_REDIRECT = "slash-redirect"
BODY_LIMIT = "body-limit"
HOST_REGEX = "host-regex"
TLS_REDIRECT = "tls-redirect"

QUIRKS: Mapping[str, str] = MappingProxyType(
    {
        BODY_LIMIT: "request bodies longer than 1 MiB are answered 413 where no annotation says how long they may be",
        HOST_REGEX: "use-regex or rewrite-target on one Ingress makes regular expressions of all paths of the host",
        HSTS: "answers over TLS carry Strict-Transport-Security where no annotation asks for it",
        SLASH_REDIRECT: "/x is sent to /x/ where only that is a path",
        TLS_REDIRECT: "cleartext requests to hosts with TLS are sent to HTTPS where no annotation asks for it",
    }
)
