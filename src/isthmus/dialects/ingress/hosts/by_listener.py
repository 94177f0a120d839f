"""What of a Draft the listener settles: AUTO_HTTP backends are spoken to as the client speaks to us, and a session's
cookie is, unless somebody says otherwise, Secure where the client came over TLS.

Everything else that a path forwards to is the same on both listeners.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.ir.action import Action, Forward, Session

_SECURE = ("Secure", "")


def on_listener(action: Action, draft: Draft, tls: bool) -> Action:
    """The action of a route on a listener with or without TLS; `draft` is what it was made of."""
    if not isinstance(action, Forward):
        return action
    if draft.tls_as_client:
        action = replace(action, backend=replace(action.backend, tls=tls))
    secure = tls if draft.session_secure is None else draft.session_secure
    if action.session is not None and secure:
        action = replace(action, session=_secured(action.session))
    return action


def _secured(session: Session) -> Session:
    if _SECURE in session.attributes:
        return session
    return replace(session, attributes=(*session.attributes, _SECURE))
