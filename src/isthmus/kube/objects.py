"""The Kubernetes objects that Isthmus reads, with just the fields that it reads.

Frozen msgspec Structs in the API's own names (camelCase on the wire). Unknown fields are skipped here; the
loader reports them. Decoding does not judge: a port of 0 or an odd host is for a dialect to report.
Source: the Kubernetes API reference, v1.34. What NGINX Inc's Policy may ask for is in policy_spec.py.
"""

from __future__ import annotations

from msgspec import Struct, field

from isthmus.kube.policy_spec import PolicySpec
from isthmus.kube.refs import ObjectRef, Source
from isthmus.kube.values import Value


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
