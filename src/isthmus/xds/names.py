"""Every name that Envoy sees, and the way back to where it came from. No other module spells a name.

cluster    NAMESPACE/SERVICE/PORT/PROTOCOL[+tls][~MILLISECONDS][#DIGEST]     dns names and addresses add @NAME
endpoints  NAMESPACE/SERVICE/PORT                                   shared by the clusters of a port
secret     HOST, or a long AUTHORITIES and HOST for those who judge the host's clients
scope      LISTENER/HOST                                            WILD for all wildcard hosts together
route      KIND/NAMESPACE/NAME#FIELD[ VARIANT]                      the origin, and which of its protocols
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.host import Origin
from isthmus.ir.listener import HTTPS
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.xds.bootstrap import ADAPTER as ADAPTER
from isthmus.xds.bootstrap import ADAPTER_GRPC as ADAPTER_GRPC
from isthmus.xds.bootstrap import AUTHORIZATION as AUTHORIZATION
from isthmus.xds.bootstrap import OWN_HTTP as OWN_HTTP
from isthmus.xds.bootstrap import OWN_HTTPS as OWN_HTTPS

WILD = "*"
WILD_KEY = "isthmus.invalid"  # a host that cannot be, by RFC 2606
STATIC = frozenset({ADAPTER, ADAPTER_GRPC, AUTHORIZATION, OWN_HTTP, OWN_HTTPS})  # Envoy's clusters from its start
_DEFAULT_CONNECT_MS = 5_000
_AUTHORITIES = "authorities".ljust(256, "-")
_ANY = ServicePortRef("", "", 0)
_PLAIN = Backend(_ANY)


def cluster(backend: Backend) -> str:
    """The cluster of a backend: different settings, different name."""
    service = backend.service
    name = f"{service.namespace}/{service.service}/{service.port}/{backend.protocol.value}"
    if backend.tls:
        name += "+tls"
    if backend.connect_timeout_ms != _DEFAULT_CONNECT_MS:
        name += f"~{backend.connect_timeout_ms}"
    rest = replace(backend, service=_ANY, protocol=_PLAIN.protocol, tls=False, connect_timeout_ms=_DEFAULT_CONNECT_MS)
    rest = replace(rest, dns="", address="")
    if rest != _PLAIN:
        name += "#" + hashlib.sha256(msgspec.msgpack.encode(rest, enc_hook=bytes)).hexdigest()[:12]
    fixed = backend.dns or backend.address
    return f"{name}@{fixed}" if fixed else name


def has_endpoints(cluster_name: str) -> bool:
    """Whether the cluster asks for endpoints; one with a DNS name resolves it instead."""
    return "@" not in cluster_name


def service_of(name: str) -> ServicePortRef:
    """The service port of a cluster's or endpoints' name."""
    namespace, service, port = name.split("/")[:3]
    return ServicePortRef(namespace, service, int(port))


def authorities(host: str) -> str:
    """The secret with the authorities of a host's clients: longer than any SNI, so that no handshake can ask for it."""
    return f"{_AUTHORITIES}/{host}"


def is_authorities(secret: str) -> bool:
    """Whether a secret holds authorities; all others are certificates."""
    return secret.startswith(_AUTHORITIES)


def scope(listener: str, host: str) -> str:
    """The scope of a host on a listener."""
    return f"{listener}/{WILD if host.startswith(WILD) else host}"


def scope_key(listener: str, host: str) -> tuple[str, ...]:
    """The key of a scope. Both listeners get all scopes; keys of different lengths keep them apart."""
    key = WILD_KEY if host.startswith(WILD) else host
    return (key, key) if listener == HTTPS else (key,)


def scope_parts(name: str) -> tuple[str, str]:
    """Listener and host (or WILD) of a scope."""
    listener, _, host = name.partition("/")
    return listener, host


def route(origin: Origin, variant: str = "") -> str:
    """The name of a route: its origin, and the variant where one origin gives several."""
    ref = origin.ref
    name = f"{ref.kind}/{ref.namespace}/{ref.name}#{origin.path}"
    return f"{name} {variant}" if variant else name


def origin_of(name: str) -> Origin | None:
    """The origin that a route's name tells; None for routes of our own."""
    head, mark, path = name.partition(" ")[0].partition("#")
    parts = head.split("/")
    if not mark or len(parts) != 3:
        return None
    return Origin(ObjectRef(*parts), FieldPath.parse(path))
