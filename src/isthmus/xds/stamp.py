"""Makes a scope differ in its bytes, not in its meaning, each time it is sent.

When Envoy refuses a response, it takes the good scopes that stood before the culprit for applied, though it does not
serve them, and skips them when they come again unchanged (docs/decisions/0007).
Rule: a stamp is never used for two responses.
"""

from __future__ import annotations

from isthmus.xds import api
from isthmus.xds.resources import Resource

_KEY = "isthmus.sent"


def stamped(scope: Resource, stamp: str) -> Resource:
    """The same scope, same version, with the stamp in its metadata: protobuf messages merge by concatenation."""
    metadata = {"filter_metadata": {_KEY: {"fields": {"stamp": {"string_value": stamp}}}}}
    more = api.ScopedRouteConfiguration(route_configuration={"metadata": metadata})
    return Resource(scope.type_url, scope.name, scope.body + more.SerializeToString(), scope.version)
