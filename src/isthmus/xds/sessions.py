"""Cookies by which clients stay where they are: with an endpoint, and with one of several backends.

Envoy makes a cookie out of the client's connection, so all clients of a proxy before the gateway would be one; here it
is made of the request's identifier, by which the first request is balanced too. Rule: names and attributes come from
manifests, and are never commands.
"""

from __future__ import annotations

import re

from isthmus.ir.action import Session
from isthmus.xds import api
from isthmus.xds.text import APPEND, PLAIN

_REQUEST_ID = "x-request-id"
_LITERAL = re.compile(r"[ -&(-\[\]-~]*")  # no quote and no backslash


def side_cookie(session: Session | None, mark: str) -> list[api.HeaderValueOption]:
    """What answers say of the backend that a client got; nothing where it is not kept there."""
    if session is None or not mark:
        return []
    return [_set_cookie(f"{session.side}={mark}{_attributes(session)}".replace("%", "%%"))]


def balance_by_request(message: api.Route, session: Session) -> bool:
    """Balance a client's first request by its identifier, and make that the cookie by which the next ones are.

    False where the cookie's name or attributes cannot be written so: then Envoy's own cookie has to do.
    """
    attributes = _attributes(session)
    if not PLAIN.fullmatch(session.cookie) or not _LITERAL.fullmatch(attributes) or "%" in attributes:
        return False
    # No expression for the cookie: to compile one for each answer is most of the cost.
    cookies, name = "request.headers['cookie']", session.cookie
    found = f"{cookies}.startsWith('{name}=') || {cookies}.contains('; {name}=') || {cookies}.contains(';{name}=')"
    brought = f"'cookie' in request.headers && ({found})"
    # There is no way to join texts, but what an expression extracts may stand between others.
    identifier = f"re.extract(request.headers['{_REQUEST_ID}'], '([A-Za-z0-9_.:-]+)', "
    made = rf"{identifier}'{session.cookie}=\\1{attributes}')"
    message.response_headers_to_add.append(_set_cookie(f"%CEL({brought} ? '' : {made})%"))
    del message.route.hash_policy[:]
    message.route.hash_policy.add(cookie={"name": session.cookie}, terminal=True)
    message.route.hash_policy.add(header={"header_name": _REQUEST_ID})
    return True


def _set_cookie(value: str) -> api.HeaderValueOption:
    return api.HeaderValueOption(header={"key": "set-cookie", "value": value}, append_action=APPEND)


def _attributes(session: Session) -> str:
    """As Envoy writes them."""
    age = f"; Max-Age={session.ttl_s}" if session.ttl_s else ""
    others = "".join(f"; {name}={value}" if value else f"; {name}" for name, value in session.attributes)
    return f"{age}; Path={session.path or '/'}{others}; HttpOnly"
