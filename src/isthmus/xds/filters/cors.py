"""Cross-origin requests: browsers' preflights are answered here, for the routes that name web origins.

Without a policy on the route the filter does nothing, and browsers then refuse other origins' pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from isthmus.ir.policy import Cors
from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts

FILTER = HttpFilter("envoy.filters.http.cors", lambda _: api.pack(api.Cors()), per_host=off_for_exact_hosts)

_METHODS = "GET,POST,PUT,PATCH,DELETE"
# What the browsers' gRPC-Web and Connect clients send and read; others of a request are in `also`.
_REQUEST = (
    "authorization,content-type,x-grpc-web,x-user-agent,grpc-timeout,connect-protocol-version,connect-timeout-ms,"
    "connect-accept-encoding,connect-content-encoding"
)
# All: a server's metadata have any name. By name too, for browsers that do not know the star.
_RESPONSE = "*,grpc-status,grpc-message,grpc-status-details-bin,connect-content-encoding"
_MAX_AGE = "7200"


def policy(origins: Sequence[str], also: Sequence[str] = ()) -> api.Any:
    """Let pages of these origins call; `*` is any, and a trailing `:*` any port. No credentials are allowed."""
    matchers = [_matcher(origin) for origin in origins]
    named = [name for name in also if name == "*" or not name.endswith("*")]  # browsers know no prefixes
    return api.pack(
        api.CorsPolicy(
            allow_origin_string_match=matchers,
            allow_methods=_METHODS,
            allow_headers=",".join([_REQUEST, *named]),
            expose_headers=_RESPONSE,
            max_age=_MAX_AGE,
            forward_not_matching_preflights={"value": False},
        )
    )


def policy_of(cors: Cors) -> api.Any:
    """What a manifest says of cross-origin requests."""
    message = api.CorsPolicy(
        allow_origin_string_match=[_matcher(origin) for origin in cors.origins],
        allow_methods=", ".join(cors.methods),
        allow_headers=",".join(cors.headers),
        expose_headers=",".join(cors.expose),
        allow_credentials={"value": cors.credentials},
        max_age=str(cors.max_age_s),
        forward_not_matching_preflights={"value": False},
    )
    return api.pack(message)


def _matcher(origin: str) -> dict[str, object]:
    if origin == "*":
        return {"safe_regex": {"regex": ".*"}}
    if "*" in origin or "+" in origin:
        return {"safe_regex": {"regex": _pattern(origin)}}
    return {"exact": origin}


def _pattern(origin: str) -> str:
    """`:*` at the end is any port, or none; any other star is one or more labels of a name, a plus is one."""
    name, any_port = (origin[:-2], "(:[0-9]+)?") if origin.endswith(":*") else (origin, "")
    return re.escape(name).replace(r"\*", "[A-Za-z0-9.-]+").replace(r"\+", "[A-Za-z0-9-]+") + any_port
