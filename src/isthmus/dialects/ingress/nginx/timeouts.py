"""proxy-connect-timeout, proxy-read-timeout, proxy-send-timeout: bare seconds; 5, 60 and 60 by default.

nginx's read and send timeouts are gaps between two reads or writes, never a limit on the whole request; so they
become the idle limit of the stream and nothing else.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Draft, Feature, View

CONNECT = "nginx.ingress.kubernetes.io/proxy-connect-timeout"
READ = "nginx.ingress.kubernetes.io/proxy-read-timeout"
SEND = "nginx.ingress.kubernetes.io/proxy-send-timeout"


def _apply(view: View, draft: Draft) -> Draft:
    return replace(
        draft,
        connect_timeout_ms=view.seconds(CONNECT, draft.connect_timeout_ms),
        read_timeout_ms=view.seconds(READ, draft.read_timeout_ms),
        send_timeout_ms=view.seconds(SEND, draft.send_timeout_ms),
        timeouts_set=view.text(READ) is not None or view.text(SEND) is not None,
    )


FEATURE = Feature(reads=frozenset({CONNECT, READ, SEND}), apply=_apply)
