"""What a route forwards to: a port of a service and how to speak to it; and who answers there.

A Backend becomes one cluster, so two routes that need the same settings share it. Endpoints are a unit of
their own, because they change far more often than anything else.
"""

from __future__ import annotations

import enum

from msgspec import Struct


class Protocol(enum.Enum):
    """How the backend is spoken to. h2 is needed for gRPC."""

    HTTP1 = "http1"
    HTTP2 = "h2"


class ServicePortRef(Struct, frozen=True, order=True, gc=False):
    """A port of a service; `port` is the service's own port number."""

    namespace: str
    service: str
    port: int


class Trust(Struct, frozen=True, gc=False):
    """How a backend's certificate is judged: by the authorities in the file `ca`, for `name` (also sent as SNI).

    Without `ca` it is not judged at all. `chain` and `key` are files with the certificate that we show.
    """

    ca: str = ""
    name: str = ""
    chain: str = ""
    key: str = ""


class Backend(Struct, frozen=True, order=False, gc=False):
    """One way to reach a service port. `tls` encrypts; without `trust` nothing is verified (nginx's default).

    Times are in milliseconds. `dns` is a host name to resolve in place of endpoints (an ExternalName Service,
    where those are allowed).
    """

    service: ServicePortRef
    protocol: Protocol = Protocol.HTTP1
    tls: bool = False
    connect_timeout_ms: int = 5_000
    dns: str = ""
    trust: Trust | None = None


class Address(Struct, frozen=True, order=True, gc=False):
    """An IP address and a port."""

    ip: str
    port: int


class Endpoints(Struct, frozen=True, gc=False):
    """Who answers for a service port right now: ready addresses, sorted, without doubles."""

    service: ServicePortRef
    addresses: tuple[Address, ...] = ()
