"""The Kubernetes objects that Isthmus reads, with just the fields that it reads.

Frozen msgspec Structs in the API's own names (camelCase on the wire). Unknown fields are skipped here; the
loader reports them. Decoding does not judge: a port of 0 or an odd host is for a dialect to report.
Source: the Kubernetes API reference, v1.34; NGINX Ingress Controller's Policy, v1.
"""

from __future__ import annotations

from msgspec import Struct, field

from isthmus.kube.refs import ObjectRef, Source


class Value(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Base of every API value here."""


class Unread(Value, frozen=True, gc=False, rename="camel"):
    """Something that is there, whatever is in it."""


class Meta(Value, frozen=True, gc=False, rename="camel"):
    """ObjectMeta. `creation_timestamp` is RFC 3339 text, empty when the manifest has none."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: str | None = None


class Base(Struct, frozen=True, rename="camel", kw_only=True):
    """What all objects have. `source` is set by the loader, never read from the manifest's own text."""

    metadata: Meta
    source: Source | None = field(name="isthmus.source", default=None)


class ServiceBackendPort(Value, frozen=True, gc=False, rename="camel"):
    name: str = ""
    number: int = 0


class ServiceBackend(Value, frozen=True, gc=False, rename="camel"):
    name: str
    port: ServiceBackendPort = ServiceBackendPort()


class TypedReference(Value, frozen=True, gc=False, rename="camel"):
    kind: str
    name: str
    api_group: str | None = None


class IngressBackend(Value, frozen=True, gc=False, rename="camel"):
    """Exactly one of the two is set in a valid object."""

    service: ServiceBackend | None = None
    resource: TypedReference | None = None


class IngressPath(Value, frozen=True, gc=False, rename="camel"):
    backend: IngressBackend
    path: str = ""
    path_type: str = ""


class IngressHttp(Value, frozen=True, gc=False, rename="camel"):
    paths: tuple[IngressPath, ...] = ()


class IngressRule(Value, frozen=True, gc=False, rename="camel"):
    """An empty host means every host."""

    host: str = ""
    http: IngressHttp | None = None


class IngressTls(Value, frozen=True, gc=False, rename="camel"):
    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class IngressSpec(Value, frozen=True, gc=False, rename="camel"):
    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    tls: tuple[IngressTls, ...] = ()
    rules: tuple[IngressRule, ...] = ()


class Ingress(Base, frozen=True, rename="camel", kw_only=True):
    spec: IngressSpec = IngressSpec()


class IngressClassSpec(Value, frozen=True, gc=False, rename="camel"):
    controller: str = ""


class IngressClass(Base, frozen=True, rename="camel", kw_only=True):
    spec: IngressClassSpec = IngressClassSpec()


class ServicePort(Value, frozen=True, gc=False, rename="camel"):
    """`target_port` is a number, a container port's name, or None for the same as `port`."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None
    target_port: int | str | None = None


class ServiceSpec(Value, frozen=True, gc=False, rename="camel"):
    type: str = "ClusterIP"
    cluster_ip: str = field(name="clusterIP", default="")
    external_name: str = ""
    ports: tuple[ServicePort, ...] = ()


class Service(Base, frozen=True, rename="camel", kw_only=True):
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Value, frozen=True, gc=False, rename="camel"):
    """`ready` unknown (None) counts as ready, as the API says."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Value, frozen=True, gc=False, rename="camel"):
    addresses: tuple[str, ...]
    conditions: EndpointConditions | None = None


class EndpointPort(Value, frozen=True, gc=False, rename="camel"):
    name: str | None = None
    port: int | None = None
    protocol: str = "TCP"
    app_protocol: str | None = None


class EndpointSlice(Base, frozen=True, rename="camel", kw_only=True):
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] | None = ()
    ports: tuple[EndpointPort, ...] | None = ()


class EndpointAddress(Value, frozen=True, gc=False, rename="camel"):
    ip: str


class EndpointSubset(Value, frozen=True, gc=False, rename="camel"):
    addresses: tuple[EndpointAddress, ...] | None = ()
    not_ready_addresses: tuple[EndpointAddress, ...] | None = ()
    ports: tuple[EndpointPort, ...] | None = ()


class Endpoints(Base, frozen=True, rename="camel", kw_only=True):
    subsets: tuple[EndpointSubset, ...] | None = ()


class Secret(Base, frozen=True, rename="camel", kw_only=True):
    """`data` is base64 text, `string_data` plain text that wins over it. The repr never shows either."""

    type: str = "Opaque"
    data: dict[str, str] | None = None
    string_data: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Secret({self.metadata.namespace}/{self.metadata.name}, type={self.type!r}, data=<redacted>)"


class ConfigMap(Base, frozen=True, rename="camel", kw_only=True):
    data: dict[str, str] | None = None


class Namespace(Base, frozen=True, rename="camel", kw_only=True):
    pass


class AccessControl(Value, frozen=True, gc=False, rename="camel"):
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] | None = None


class PolicyRateLimit(Value, frozen=True, gc=False, rename="camel"):
    rate: str = ""
    key: str = ""
    burst: int | None = None
    dry_run: bool | None = None
    reject_code: int | None = None
    scale: bool | None = None
    condition: Unread | None = None


class PolicyCors(Value, frozen=True, gc=False, rename="camel"):
    allow_origin: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_headers: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    allow_credentials: bool | None = None
    max_age: int | None = None


class PolicyJwt(Value, frozen=True, gc=False, rename="camel"):
    realm: str = ""
    secret: str = ""
    token: str = ""
    jwks_uri: str = field(name="jwksURI", default="")


class PolicyBasicAuth(Value, frozen=True, gc=False, rename="camel"):
    secret: str = ""
    realm: str = ""


class IngressMtls(Value, frozen=True, gc=False, rename="camel"):
    client_cert_secret: str = ""
    crl_file_name: str = ""
    verify_client: str = ""
    verify_depth: int | None = None


class EgressMtls(Value, frozen=True, gc=False, rename="camel"):
    tls_secret: str = ""
    trusted_cert_secret: str = ""
    verify_server: bool | None = None
    verify_depth: int | None = None
    server_name: bool | None = None
    ssl_name: str = ""
    protocols: str = ""
    ciphers: str = ""


class SuppliedIn(Value, frozen=True, gc=False, rename="camel"):
    header: tuple[str, ...] | None = None
    query: tuple[str, ...] | None = None


class PolicyApiKey(Value, frozen=True, gc=False, rename="camel"):
    supplied_in: SuppliedIn | None = None
    client_secret: str = ""


class PolicySpec(Value, frozen=True, gc=False, rename="camel"):
    """NGINX Inc's: exactly one of the parts is set in a valid object. Those that are unread are only recognised."""

    access_control: AccessControl | None = None
    rate_limit: PolicyRateLimit | None = None
    jwt: PolicyJwt | None = None
    basic_auth: PolicyBasicAuth | None = None
    ingress_mtls: IngressMtls | None = field(name="ingressMTLS", default=None)
    egress_mtls: EgressMtls | None = field(name="egressMTLS", default=None)
    api_key: PolicyApiKey | None = None
    oidc: Unread | None = None
    waf: Unread | None = None
    cache: Unread | None = None
    cors: PolicyCors | None = None
    external_auth: Unread | None = None
    hsts: Unread | None = None


class Policy(Base, frozen=True, rename="camel", kw_only=True):
    """k8s.nginx.org/v1."""

    spec: PolicySpec = PolicySpec()


Object = Ingress | IngressClass | Service | EndpointSlice | Endpoints | Secret | ConfigMap | Namespace | Policy

# kind -> (apiVersion that we read, type, namespaced?)
KINDS: dict[str, tuple[str, type[Base], bool]] = {
    "Ingress": ("networking.k8s.io/v1", Ingress, True),
    "IngressClass": ("networking.k8s.io/v1", IngressClass, False),
    "Service": ("v1", Service, True),
    "EndpointSlice": ("discovery.k8s.io/v1", EndpointSlice, True),
    "Endpoints": ("v1", Endpoints, True),
    "Secret": ("v1", Secret, True),
    "ConfigMap": ("v1", ConfigMap, True),
    "Namespace": ("v1", Namespace, False),
    "Policy": ("k8s.nginx.org/v1", Policy, True),
}


def ref_of(obj: Base) -> ObjectRef:
    """The reference of an object; namespaced kinds always carry a namespace."""
    return ObjectRef(type(obj).__name__, obj.metadata.namespace, obj.metadata.name)
