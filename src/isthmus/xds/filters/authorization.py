"""Who may use a route, as filters of its chain: the name in a client certificate, which Envoy judges itself, and the
authorization helper for everything else.

The helper is told which policy it is about, and where, in the call itself, which no client can reach. Rule: a helper
that does not answer, or answers nonsense, lets nobody in.
"""

from __future__ import annotations

from datetime import timedelta

from isthmus.ir.authorization import Authorization, digest
from isthmus.xds import api, names

POLICY, PLACE = "x-isthmus-policy", "x-isthmus-place"
COOKIES = tuple(f"cookie{number}" for number in range(8))  # in the metadata that the helper returns
METADATA = "envoy.filters.http.ext_authz"

_V3 = 2  # envoy.config.core.v3.ApiVersion.V3
_ALLOW = 0  # RBAC.Action
_DECISION = timedelta(seconds=65)  # auth servers get nginx's 60 s
_NO_ERRORS = "[200, 201, 204, 206, 301, 302, 303, 304, 307, 308]"  # nginx's add_header without always

Named = tuple[str, api.Any]


def authorization(wanted: Authorization, place: str) -> list[Named]:
    """The filters, in their order."""
    found = [_common_name(wanted.common_name)] if wanted.common_name else []
    if not wanted.needs_helper:
        return found
    if wanted.question is not None and not wanted.question.cookies_always:
        found.append(_late_cookies())
    metadata = [{"key": POLICY, "value": digest(wanted)}, {"key": PLACE, "value": place}]
    service = {
        "envoy_grpc": {"cluster_name": names.AUTHORIZATION},
        "timeout": _DECISION,
        "initial_metadata": metadata if wanted.question is not None else metadata[:1],
    }
    ask = api.ExtAuthz(
        grpc_service=service,
        transport_api_version=_V3,
        include_peer_certificate=True,
        encode_raw_headers=False,
        status_on_error={"code": 503},
    )
    return [*found, (METADATA, api.pack(ask))]


def _common_name(pattern: str) -> Named:
    """RE2, searched for in the certificate's subject as RFC 2253 writes it: `CN=client,O=Example`."""
    subject = {"select_expr": {"operand": {"ident_expr": {"name": "connection"}}, "field": "subject_peer_certificate"}}
    arguments = [{"const_expr": {"string_value": pattern}}]
    condition = {"call_expr": {"function": "matches", "target": subject, "args": arguments}}
    policy = {"permissions": [{"any": True}], "principals": [{"any": True}], "condition": condition}
    message = api.RBAC(rules={"policies": {"common name": policy}})
    message.rules.action = _ALLOW
    return "envoy.filters.http.rbac", api.pack(message)


def _late_cookies() -> Named:
    """Cookies of the authorization server on answers that are no errors, which nobody knows before they are there."""
    message = api.HeaderMutation()
    for name in COOKIES:
        there = f"metadata.filter_metadata['{METADATA}']['{name}']"
        option = message.mutations.response_mutations.add().append
        option.header.key = "set-cookie"
        option.header.value = f"%CEL(response.code in {_NO_ERRORS} ? {there} : '')%"
    return "cookies", api.pack(message)
