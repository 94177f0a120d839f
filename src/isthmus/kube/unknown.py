"""Fields that the Kubernetes API does not have at their place: misspelt, or indented wrongly.

Only for the kinds that objects.py reads. Source of the names: the Kubernetes API reference, v1.34;
NGINX Ingress Controller's Policy, v1.
Rule: a field that the API has is never reported, even if Isthmus does not read it.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.inspect import StructType, Type, UnionType, VarTupleType

from isthmus.kube import objects, policy_spec
from isthmus.kube.refs import ROOT, FieldPath
from isthmus.kube.values import Unread

# Fields that the API has and Isthmus does not read.
_UNREAD: dict[type, str] = {
    objects.Base: "apiVersion kind status",
    objects.Meta: "generateName selfLink uid resourceVersion generation deletionTimestamp "
    "deletionGracePeriodSeconds ownerReferences finalizers managedFields clusterName",
    objects.Secret: "immutable",
    objects.ConfigMap: "immutable binaryData",
    objects.Namespace: "spec",
    objects.IngressClassSpec: "parameters",
    objects.ServiceSpec: "selector clusterIPs externalIPs sessionAffinity sessionAffinityConfig loadBalancerIP "
    "loadBalancerClass loadBalancerSourceRanges externalTrafficPolicy internalTrafficPolicy healthCheckNodePort "
    "publishNotReadyAddresses ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts trafficDistribution",
    objects.ServicePort: "nodePort",
    objects.Endpoint: "hostname targetRef nodeName zone hints deprecatedTopology",
    objects.EndpointAddress: "hostname targetRef nodeName",
    policy_spec.PolicySpec: "ingressClassName",
    policy_spec.PolicyRateLimit: "delay noDelay zoneSize logLevel",
    policy_spec.PolicyJwt: "keyCache sniEnabled sniName sslVerify sslVerifyDepth trustedCertSecret",
    policy_spec.EgressMtls: "sessionReuse",
}

# Fields of an Ingress before networking.k8s.io/v1, and what they are now.
_FORMER = {"serviceName": "service.name", "servicePort": "service.port.number"}


class Unknown(Struct, frozen=True, gc=False):
    """A field that the API does not have there, with the name that was perhaps meant, or an empty one."""

    path: FieldPath
    field: str
    meant: str


class _Known(Struct, frozen=True):
    """The fields of one type; `inner` are those that hold further types, with whether as a list."""

    fields: frozenset[str]
    inner: tuple[tuple[str, bool, StructType], ...]


def unknown_fields(value: dict[str, object], shape: Type, path: FieldPath = ROOT) -> Iterator[Unknown]:
    """The fields of an object that the API does not have, in their order."""
    if not isinstance(shape, StructType) or shape.cls is Unread:
        return
    known = _known(shape.cls)
    if not known.fields.issuperset(value):
        for key in value:
            if key not in known.fields:
                close = difflib.get_close_matches(str(key), sorted(known.fields), 1)
                yield Unknown(path / str(key), str(key), _FORMER.get(str(key)) or (close[0] if close else ""))
    for name, many, inner in known.inner:
        each = value.get(name)
        if many and isinstance(each, list):
            for index, item in enumerate(each):
                if isinstance(item, dict):
                    yield from unknown_fields(item, inner, path / name / index)
        elif isinstance(each, dict):
            yield from unknown_fields(each, inner, path / name)


@functools.lru_cache(maxsize=64)
def _known(cls: type) -> _Known:
    shape = msgspec.inspect.type_info(cls)
    assert isinstance(shape, StructType)
    fields = [field for field in shape.fields if field.name != "source"]
    unread = " ".join(_UNREAD.get(base, "") for base in cls.__mro__).split()
    inner = (_inner(field.encode_name, field.type) for field in fields)
    names = frozenset((*unread, *(field.encode_name for field in fields)))
    return _Known(names, tuple(each for each in inner if each is not None))


def _inner(name: str, shape: Type) -> tuple[str, bool, StructType] | None:
    for each in shape.types if isinstance(shape, UnionType) else (shape,):
        if isinstance(each, StructType):
            return name, False, each
        if isinstance(each, VarTupleType) and isinstance(each.item_type, StructType):
            return name, True, each.item_type
    return None
