"""Where clients connect, and the certificates that are shown to them."""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.host import Origin

HTTP = "http"
HTTPS = "https"


class Listener(Struct, frozen=True, gc=False):
    """A bound address. `name` is HTTP or HTTPS; with `tls` the certificate is chosen by SNI per handshake."""

    name: str
    address: str
    port: int
    tls: bool = False


class PrivateBytes(bytes):
    """Key material: its printed forms never show it."""

    def __repr__(self) -> str:
        return f"<{len(self)} private bytes>"

    __str__ = __repr__


class Certificate(Struct, frozen=True, gc=False):
    """A pair for one host (exact or `*.name`): PEM chain and PEM key, already known to belong together."""

    host: str
    chain: bytes
    key: PrivateBytes
    origin: Origin
