"""listen-ports and listen-ports-ssl: the ports that a host is served on. The gateway's own ports are what counts here.

Ports are opened when the gateway starts, never by an object: whoever may write an Ingress must not open a port.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

PORTS = "nginx.org/listen-ports"
TLS_PORTS = "nginx.org/listen-ports-ssl"

_MOST = 65_535
_HOW = "the host is served on the gateway's own ports (--http-port, --https-port), whichever are listed"


def _apply(view: View, draft: Draft) -> Draft:
    for key in (PORTS, TLS_PORTS):
        if view.text(key) is None:
            continue
        names = view.names(key)
        wrong = next((n for n in names if not (n.isascii() and n.isdigit() and 0 < int(n[:6]) <= _MOST)), None)
        if wrong is not None or not names:
            view.invalid(key, wrong or "empty", "port numbers between commas")
        else:
            view.differs(key, _HOW)
    return draft


FEATURE = Feature(
    title="Ports",
    about="The ports that a host is served on. Here the gateway opens its two ports when it starts and serves every "
    "host on both; let the Service before it map other ports to them.",
    annotations=(
        Annotation(PORTS, "port numbers, between commas", "80", Handling.DIFFERS, _HOW),
        Annotation(TLS_PORTS, "port numbers, between commas", "443", Handling.DIFFERS, _HOW),
    ),
    apply=_apply,
)
