"""proxy-connect-timeout, proxy-read-timeout, proxy-send-timeout: nginx times; 60 seconds each by default.

They are gaps between two reads or writes, never a limit on the whole request; so they become the idle limit of the
stream and nothing else.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

CONNECT = "nginx.org/proxy-connect-timeout"
READ = "nginx.org/proxy-read-timeout"
SEND = "nginx.org/proxy-send-timeout"

_DEFAULT_MS = 60_000
_IDLE = "the larger of the two is the time for which a stream may be idle in both directions"


def _apply(view: View, draft: Draft) -> Draft:
    return replace(
        draft,
        connect_timeout_ms=view.duration(CONNECT, _DEFAULT_MS),
        read_timeout_ms=view.duration(READ, _DEFAULT_MS),
        send_timeout_ms=view.duration(SEND, _DEFAULT_MS),
        timeouts_set=view.text(READ) is not None or view.text(SEND) is not None,
    )


FEATURE = Feature(
    title="Timeouts",
    about="Gaps between two reads or writes, as in nginx: there is no limit on a whole request, so streams live. "
    "Times are written as nginx writes them, such as 30s, 1m 30s or 500ms; a bare number is seconds.",
    annotations=(
        Annotation(CONNECT, "nginx time", "60s", setting="proxy-connect-timeout"),
        Annotation(READ, "nginx time", "60s", Handling.DIFFERS, _IDLE, setting="proxy-read-timeout"),
        Annotation(SEND, "nginx time", "60s", Handling.DIFFERS, _IDLE, setting="proxy-send-timeout"),
    ),
    apply=_apply,
    always=True,
)
