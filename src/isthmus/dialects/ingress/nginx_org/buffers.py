"""proxy-buffering and its sizes, client-body-buffer-size: what nginx keeps in memory or in files.

Envoy streams both ways with back pressure and bounded buffers, so none of them has anything to say here.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.handling import Annotation, Handling

_STREAMS = "Envoy streams with back pressure and bounded memory; it writes no temporary files"
_HEADERS = "Envoy takes answer headers of up to 60 KiB"


def _ignored(name: str, takes: str, default: str, note: str = _STREAMS) -> Annotation:
    return Annotation(f"nginx.org/{name}", takes, default, Handling.NO_EFFECT, note, setting=name)


FEATURE = Feature(
    title="Buffers",
    about="nginx reads answers into buffers and files before it sends them on, unless it is told not to. Envoy never "
    "does: streams flow as with buffering off, and slow clients slow their own backend connection down.",
    annotations=(
        _ignored("proxy-buffering", "boolean", "true"),
        _ignored("proxy-buffers", "a number and an nginx size", "8 4k"),
        _ignored("proxy-buffer-size", "nginx size", "4k", _HEADERS),
        _ignored("proxy-busy-buffers-size", "nginx size", "8k"),
        _ignored("proxy-max-temp-file-size", "nginx size", "1024m"),
        _ignored("client-body-buffer-size", "nginx size", "16k"),
    ),
)
