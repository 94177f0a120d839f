"""Names that ingress-nginx has given up. Source: its changelog."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from isthmus.dialects.ingress.nginx.protocol import PROTOCOL
from isthmus.dialects.ingress.old_names import OldName

_PREFIX = "nginx.ingress.kubernetes.io/"
_NO_BASE = "removed in 0.22; let the application write its own base URL"


def _backend(true: str) -> OldName:
    return OldName("removed in 0.21", PROTOCOL, {"true": true, "false": None})


OLD_NAMES: Mapping[str, OldName] = MappingProxyType(
    {
        f"{_PREFIX}whitelist-source-range": OldName("the old name", f"{_PREFIX}allowlist-source-range"),
        f"{_PREFIX}limit-whitelist": OldName("the old name", f"{_PREFIX}limit-allowlist"),
        f"{_PREFIX}secure-backends": _backend("HTTPS"),
        f"{_PREFIX}grpc-backend": _backend("GRPC"),
        # Not what is there today: nothing is limited by it, so that its author is asked.
        f"{_PREFIX}client-max-body-size": OldName("a name of NGINX Inc's controller", f"{_PREFIX}proxy-body-size", {}),
        f"{_PREFIX}session-cookie-hash": OldName("it is gone, and changed nothing in the end", idle=True),
        f"{_PREFIX}add-base-url": OldName(_NO_BASE),
        f"{_PREFIX}base-url-scheme": OldName(_NO_BASE),
        f"{_PREFIX}mirror-uri": OldName("it is gone; mirror-target takes the URL that copies are sent to"),
        f"{_PREFIX}enable-opentracing": OldName("removed in 1.10", f"{_PREFIX}enable-opentelemetry"),
        f"{_PREFIX}opentracing-trust-incoming-span": OldName(
            "removed in 1.10", f"{_PREFIX}opentelemetry-trust-incoming-span"
        ),
    }
)
