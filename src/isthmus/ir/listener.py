"""Where clients connect, and the certificates that are shown to them."""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.backend import Backend
from isthmus.ir.guard import ClientCertificates as ClientCertificates
from isthmus.ir.host import Origin
from isthmus.ir.private import PrivateBytes as PrivateBytes

HTTP = "http"
HTTPS = "https"


class Listener(Struct, frozen=True, gc=False):
    """A bound address. `name` is HTTP or HTTPS; with `tls` the certificate is chosen by SNI per handshake."""

    name: str
    address: str
    port: int
    tls: bool = False


class Certificate(Struct, frozen=True, gc=False):
    """A pair for one host (exact or `*.name`): PEM chain and PEM key, already known to belong together."""

    host: str
    chain: bytes
    key: PrivateBytes
    origin: Origin


class HostTls(Struct, frozen=True, gc=False):
    """What TLS means for one host, where it differs from the listener's own way.

    `authorities` (PEM) verify clients' certificates, with at most `depth` intermediates; those in `revoked` (PEM,
    lists of every authority in the chain) are bad. `ciphers` are OpenSSL's names, for TLS up to 1.2, the best one
    first; with `client_order` the client's best one is taken. With `passthrough` nothing is decrypted: connections
    go to that backend as they are.
    """

    host: str
    origin: Origin
    clients: ClientCertificates | None = None
    authorities: bytes = b""
    revoked: bytes = b""
    depth: int = 1
    ciphers: tuple[str, ...] = ()
    client_order: bool = False
    passthrough: Backend | None = None
