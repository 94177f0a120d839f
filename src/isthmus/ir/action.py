"""What happens to a matched request. A closed union: every reader matches on it with assert_never."""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.backend import Backend
from isthmus.ir.transcoding import Api


class Forward(Struct, frozen=True, tag="forward", gc=False):
    """Send it to a backend.

    `idle_timeout_ms` ends a stream on which nothing moved for so long; there is never a total limit, so streams
    live. `websocket` lets `Upgrade: websocket` through. With `api` the backend is a gRPC server whose methods clients
    of every protocol may call.
    """

    backend: Backend
    idle_timeout_ms: int = 60_000
    websocket: bool = True
    api: Api | None = None


class Redirect(Struct, frozen=True, tag="redirect", gc=False):
    """Send the client to the same URL over HTTPS with `status` (301, 302, 307 or 308). `port` 443 is left out."""

    port: int = 443
    status: int = 308


class Respond(Struct, frozen=True, tag="respond", gc=False):
    """Answer without a backend. `reason` is the body and, for gRPC, the grpc-message."""

    status: int
    reason: str


Action = Forward | Redirect | Respond
