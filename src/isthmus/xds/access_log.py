"""A log of requests: Envoy writes a line of JSON for each to a file that the operator names.

The names of the fields are those that `isthmus compare` reads back. Rule: a route that is kept out of the log is never
in it, and what has no route always is. Source: Envoy, access logging, command operators.
"""

from __future__ import annotations

from isthmus.xds import api

_QUIET = "isthmus.quiet"
_FIELDS = {
    "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS(SNAKE_STRING)%",
    "duration_ms": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "route": "%ROUTE_NAME%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "endpoint": "%UPSTREAM_HOST%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


def access_log(path: str) -> list[dict[str, object]]:
    """The `access_log` of a connection manager; nothing is written without a path."""
    if not path:
        return []
    quiet = f"'route_metadata' in xds && '{_QUIET}' in xds.route_metadata.filter_metadata"
    says = api.CelFilter(expression=f"!({quiet})")
    file = api.FileAccessLog(path=path, log_format={"json_format": _FIELDS, "omit_empty_values": True})
    wanted = {"extension_filter": {"name": "cel", "typed_config": api.pack(says)}}
    return [{"name": "envoy.access_loggers.file", "filter": wanted, "typed_config": api.pack(file)}]


def keep_out(route: api.Route) -> None:
    """Keep the requests of a route out of the log."""
    quiet = {"filter_metadata": {_QUIET: {"fields": {"log": {"string_value": "off"}}}}}
    route.metadata.MergeFrom(api.Route(metadata=quiet).metadata)
