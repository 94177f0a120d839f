"""proxy-connect-timeout, proxy-read-timeout, proxy-send-timeout: bare seconds; 5, 60 and 60 by default.

nginx's read and send timeouts are gaps between two reads or writes, never a limit on the whole request; so they
become the idle limit of the stream and nothing else.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

CONNECT = "nginx.ingress.kubernetes.io/proxy-connect-timeout"
READ = "nginx.ingress.kubernetes.io/proxy-read-timeout"
SEND = "nginx.ingress.kubernetes.io/proxy-send-timeout"

_IDLE = "the larger of the two is the time for which a stream may be idle in both directions"


def _apply(view: View, draft: Draft) -> Draft:
    return replace(
        draft,
        connect_timeout_ms=view.seconds(CONNECT, draft.connect_timeout_ms),
        read_timeout_ms=view.seconds(READ, draft.read_timeout_ms),
        send_timeout_ms=view.seconds(SEND, draft.send_timeout_ms),
        timeouts_set=view.text(READ) is not None or view.text(SEND) is not None,
    )


FEATURE = Feature(
    title="Timeouts",
    about="Gaps between two reads or writes, as in nginx: there is no limit on a whole request, so streams live.",
    annotations=(
        Annotation(CONNECT, "seconds", "5", setting="proxy-connect-timeout"),
        Annotation(READ, "seconds", "60", Handling.DIFFERS, _IDLE, setting="proxy-read-timeout"),
        Annotation(SEND, "seconds", "60", Handling.DIFFERS, _IDLE, setting="proxy-send-timeout"),
    ),
    apply=_apply,
)
