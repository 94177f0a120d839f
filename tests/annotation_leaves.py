"""Which leaves of Envoy's configuration each annotation owns: all else must stay as it is, whatever its value.

Leaves of a route are written as in `xds_leaves`, those of a filter that the route brings as `isthmus.access:filter`,
those of the backend's cluster as `cluster.…`. The first line whose names fit counts.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple


class Owned(NamedTuple):
    """`leaf` is searched for in the paths that changed. `elsewhere` says that other routes or hosts may change too."""

    leaf: re.Pattern[str]
    elsewhere: bool = False


_LIMITS = r"^(isthmus\.access:(envoy\.filters\.http\.ratelimit|bandwidth)|route\.rate_limits)"
_HEADERS = r"^(isthmus\.access:(answers|unless-error)|response_headers_to_(add|remove))"
_REQUEST = r"^request_headers_to_(add|remove)"
_REWRITES = r"^isthmus\.access:rewrites"
_AUTHORIZATION = r"^isthmus\.access:envoy\.filters\.http\.(ext_authz|rbac)"
_ACCESS = r"^isthmus\.access:$"  # the chain itself: its first filter, its last
_BODY = r"^isthmus\.access:body"
_REDIRECT = (
    r"^(route\.|cluster\.|redirect|direct_response|response_headers_to_add|isthmus\.|typed_per_filter|request_headers)"
)
_TIMES = r"^route\.(idle_timeout|timeout|max_stream)|^cluster\.connect_timeout"
_BALANCE = r"^(cluster\.(lb_|.*lb_config|circuit_breakers|outlier|typed_extension|type|load_assignment|eds)|route\.)"
_TLS = r"^cluster\.(transport_socket|typed_extension)"
_SESSION = (
    r"^(route\.hash_policy|cluster\.lb_|re(quest|sponse)_headers_to_add"
    r"|isthmus\.access:envoy\.filters\.http\.stateful_session)"
)
_RETRY = r"^(route\.(retry_policy|timeout)|request_headers_to_add)"
_ERRORS = r"^(isthmus\.access:|request_headers|response_headers|route\.|cluster\.)"  # in place of no endpoints, too
_SNIPPET = "|".join((_HEADERS, _REQUEST, _REWRITES, _BODY, _REDIRECT, _TIMES, _AUTHORIZATION))
_PATHS = r"^(match\.|route\.|name)"
_NOTHING = r"^$(?!)"

_LINES: tuple[tuple[str, str, bool], ...] = (
    (r"(enable-cors|cors-.*)", r"^typed_per_filter_config\[envoy\.filters\.http\.cors\]", False),
    (r"limit-.*", _LIMITS, False),
    (r"(allow|white|deny)list-source-range", _AUTHORIZATION, False),
    (r"custom-headers|add-header.*|proxy-hide-headers|hsts.*|server-tokens", _HEADERS, False),
    (r"proxy-set-headers|x-forwarded-prefix|connection-proxy-header", f"{_REQUEST}|^route\\.host", False),
    (r"proxy-cookie-.*|proxy-redirect-.*", _REWRITES, False),
    (r"proxy-body-size|client-max-body-size", _BODY, False),
    (r"opentelemetry-trust-incoming-span", _REQUEST, False),
    (r"enable-access-log", r"^metadata\.filter_metadata", False),
    (r"(configuration|location|server)-snippets?", _SNIPPET, False),
    (r"auth-tls-.*|ssl-ciphers|ssl-prefer-server-ciphers|ssl-passthrough", r".", True),
    (r"auth-.*|satisfy|basic-auth-.*|jwt-.*|enable-global-auth", r"^isthmus\.access:|^request_headers", False),
    (r"policies", r".", False),  # a policy may be any of the others
    (r"proxy-(connect|read|send)-timeout", _TIMES, False),
    (r"proxy-ssl-.*|ssl-services", f"{_TLS}|^route", False),
    (
        r"backend-protocol|grpc-services|websocket-services|proxy-http-version",
        f"{_TLS}|{_TIMES}|{_BODY}|{_REQUEST}|^route",
        False,
    ),
    (r"(affinity|session-cookie|sticky-cookie).*", f"{_SESSION}|{_BALANCE}", False),
    (
        r"(load-balance|lb-method|upstream-hash-by.*|service-upstream|use-cluster-ip|keepalive|max-conns)",
        _BALANCE,
        False,
    ),
    (r"(max-fails|fail-timeout|slow-start|upstream-vhost)", _BALANCE, False),
    (r"proxy-next-upstream.*", _RETRY, False),
    (r"mirror-.*", r"^route\.request_mirror_policies", False),
    (r"custom-http-errors|default-backend|disable-proxy-intercept-errors", _ERRORS, False),
    (r"(permanent|temporal)-redirect.*|relative-redirects|use-port-in-redirects", _REDIRECT, False),
    (r"(force-)?ssl-redirect|redirect-to-https|http-redirect-code", _REDIRECT, True),
    (r"app-root", f"{_REDIRECT}|{_PATHS}", True),
    (r"use-regex|rewrite-target|rewrites|path-regex", _PATHS, True),
    (r"server-alias|from-to-www-redirect|canary.*|mergeable-ingress-type|listen-ports.*", r".", True),
    (r"transcode.*", r".", True),
)


@functools.cache
def owned(key: str) -> Owned:
    """What an annotation may change; nothing where no line is for it, as for those without effect."""
    name = key.partition("/")[2]
    for names, leaf, elsewhere in _LINES:
        if re.fullmatch(names, name):
            return Owned(re.compile(f"{leaf}|{_ACCESS}"), elsewhere)
    return Owned(re.compile(_NOTHING))
