"""What a route forwards to: a port of a service and how to speak to it; and who answers there.

A Backend becomes one cluster, so two routes that need the same settings share it. Endpoints are a unit of
their own, because they change far more often than anything else.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from isthmus.ir.private import PrivateBytes


class Protocol(enum.Enum):
    """How the backend is spoken to. h2 is needed for gRPC."""

    HTTP1 = "http1"
    HTTP2 = "h2"


class Balance(enum.Enum):
    """How one of the endpoints is chosen. The last one wants a `hash_key` or a `session` on the route."""

    ROUND_ROBIN = "round-robin"
    LEAST_REQUEST = "least-request"
    RANDOM = "random"
    HASH = "hash"


class ServicePortRef(Struct, frozen=True, order=True, gc=False):
    """A port of a service; `port` is the service's own port number."""

    namespace: str
    service: str
    port: int


class Trust(Struct, frozen=True, gc=False):
    """How a backend's certificate is judged: by the authorities in the file `ca`, for `name` (also sent as SNI).

    Without authorities it is not judged at all. `chain` and `key` are files with the certificate that we show; all
    three may be given as PEM instead.
    """

    ca: str = ""
    name: str = ""
    chain: str = ""
    key: str = ""
    ca_pem: bytes = b""
    chain_pem: bytes = b""
    key_pem: PrivateBytes = PrivateBytes()
    depth: int = 0  # intermediate certificates that a chain may have; 0: as many as it likes
    ciphers: tuple[str, ...] = ()  # OpenSSL's names; for TLS up to 1.2
    versions: tuple[str, ...] = ()  # lowest and highest: "1.0" to "1.3"


class Ejection(Struct, frozen=True, gc=False):
    """An endpoint that failed `failures` times in a row gets nothing for `seconds`."""

    failures: int
    seconds: int


class Backend(Struct, frozen=True, order=False, gc=False):
    """One way to reach a service port. `tls` encrypts; without `trust` nothing is verified (nginx's default).

    Times are in milliseconds. `dns` is a host name to resolve in place of endpoints (an ExternalName Service,
    where those are allowed); `address` is an IP address in place of them (a Service's own). `max_connections` is for
    each endpoint, 0 is no limit.
    """

    service: ServicePortRef
    protocol: Protocol = Protocol.HTTP1
    tls: bool = False
    connect_timeout_ms: int = 5_000
    dns: str = ""
    trust: Trust | None = None
    address: str = ""
    balance: Balance = Balance.ROUND_ROBIN
    max_connections: int = 0
    requests_per_connection: int = 0
    idle_connection_ms: int = 0
    ejection: Ejection | None = None
    slow_start_ms: int = 0


class Address(Struct, frozen=True, order=True, gc=False):
    """An IP address and a port."""

    ip: str
    port: int


class Endpoints(Struct, frozen=True, gc=False):
    """Who answers for a service port right now: ready addresses, sorted, without doubles."""

    service: ServicePortRef
    addresses: tuple[Address, ...] = ()
