"""Envoy's own answers, in the caller's language: no bare text on a path where a program expects JSON.

A route says in its metadata how its callers read errors: `rest` (google.rpc.Status) or `connect` (Connect's error
JSON); gRPC's own answers are Envoy's business. Where no route was found, a request that speaks or accepts JSON gets
google.rpc.Status. The HTTP status stays; only the body is put in words. Sources: google/rpc/code.proto, the Connect
protocol's error codes, gRPC's http-grpc-status-mapping.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.xds import api

METADATA = "isthmus"
REST, CONNECT = "rest", "connect"
_KEY = "errors"

# HTTP status -> code of google.rpc.Status
CODES = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    405: 12,
    408: 4,
    413: 8,
    415: 3,
    421: 3,
    426: 3,
    429: 8,
    431: 8,
    500: 13,
    501: 12,
    502: 14,
    503: 14,
    504: 4,
}
# Codes of google.rpc.Status as Connect names them.
CONNECT_NAMES = {
    3: "invalid_argument",
    4: "deadline_exceeded",
    5: "unimplemented",  # Connect's reading of 404: there is no such procedure
    7: "permission_denied",
    8: "resource_exhausted",
    12: "unimplemented",
    13: "internal",
    14: "unavailable",
    16: "unauthenticated",
}

_MESSAGE = "%LOCAL_REPLY_BODY%"
_FOUND = f"xds.route_metadata.filter_metadata['{METADATA}']['{_KEY}']"  # no such key: the expression does not hold
_JSON = (
    "('content-type' in request.headers && request.headers['content-type'].startsWith('application/json'))"
    " || ('accept' in request.headers && request.headers['accept'].contains('application/json'))"
)


def marked(kind: str) -> dict[str, object]:
    """A route's metadata that says how errors are read there."""
    return {"filter_metadata": {METADATA: {"fields": {_KEY: {"string_value": kind}}}}}


def local_replies() -> dict[str, object]:
    """The `local_reply_config` of every listener: as few expressions as can be, for each filter chain holds them."""
    mappers: list[dict[str, object]] = []
    for code in sorted(set(CODES.values())):
        connect = {"code": CONNECT_NAMES[code], "message": _MESSAGE}
        mappers.append(_mapper(code, _route_says(CONNECT), connect))
        rest = {"code": code, "message": _MESSAGE, "details": []}
        mappers.append(_mapper(code, f"{_route_says(REST)} || {_JSON}", rest))
    return {"mappers": mappers}


def _route_says(kind: str) -> str:
    return f"{_FOUND} == '{kind}'"


def _mapper(code: int, expression: str, body: Mapping[str, object]) -> dict[str, object]:
    """What answers whose status stands for `code` say. In CEL, what cannot be read beside `||` does not count."""
    statuses = ", ".join(str(status) for status, said in CODES.items() if said == code)
    whole = f"response.code in [{statuses}] && ({expression})"
    says = {"name": "cel", "typed_config": api.pack(api.CelFilter(expression=whole))}
    return {"filter": {"extension_filter": says}, "body_format_override": {"json_format": body}}
