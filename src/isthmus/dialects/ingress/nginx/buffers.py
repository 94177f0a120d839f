"""proxy-buffer*, client-body-buffer-size and their kin: how nginx keeps messages in memory and on disk.

Envoy passes on what comes, and holds a sender back when the receiver is slow, so nothing of this has an equal. Rule:
values are checked all the same, because a typing error is one wherever the object goes next.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

_PREFIX = "nginx.ingress.kubernetes.io/"
_SIZES = ("proxy-buffer-size", "proxy-busy-buffers-size", "proxy-max-temp-file-size", "client-body-buffer-size")
_SWITCHES = ("proxy-buffering", "proxy-request-buffering")
NUMBER = _PREFIX + "proxy-buffers-number"
PUSH = _PREFIX + "http2-push-preload"

_STREAMS = "Envoy streams both ways with small buffers, and a slow receiver holds its sender back"
_NO_FILES = "Envoy keeps nothing in files"


def _apply(view: View, draft: Draft) -> Draft:
    for name in _SIZES:
        view.size(_PREFIX + name, 0)
    for name in _SWITCHES:
        view.on_off(_PREFIX + name, False)
    view.integer(NUMBER, 4, 1, 1_000_000)
    view.boolean(PUSH, False)
    return draft


def _ignored(name: str, takes: str, default: str, why: str = _STREAMS) -> Annotation:
    setting = name if name != "http2-push-preload" else ""
    return Annotation(_PREFIX + name, takes, default, Handling.NO_EFFECT, why, setting=setting)


FEATURE = Feature(
    title="Buffers",
    about="nginx keeps messages in buffers and files whose sizes can be tuned. Envoy streams, so none of this is "
    "needed and no large header or slow client needs tuning; headers of answers may have 60 KiB in any case.",
    annotations=(
        _ignored("proxy-buffering", "on or off", "off"),
        _ignored("proxy-buffer-size", "size", "4k"),
        _ignored("proxy-buffers-number", "a number", "4"),
        _ignored("proxy-busy-buffers-size", "size", "8k"),
        _ignored("proxy-max-temp-file-size", "size", "1024m", _NO_FILES),
        _ignored("proxy-request-buffering", "on or off", "on", "Envoy passes a body on while it comes, as with off"),
        _ignored("client-body-buffer-size", "size", "8k"),
        _ignored("http2-push-preload", "boolean", "false", "no browser takes HTTP/2 pushes any more"),
    ),
    apply=_apply,
)
