"""Random edits: the incremental result is the one from scratch; an edit changes only its own hosts."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import Table, pipeline

from isthmus.dialects.ingress.hosts.other_names import claimed
from isthmus.ir.check import violations
from isthmus.kube.objects import (
    Base,
    ConfigMap,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressClassSpec,
    IngressHttp,
    IngressPath,
    IngressRule,
    IngressSpec,
    IngressTls,
    Meta,
    Secret,
    Service,
    ServiceBackend,
    ServiceBackendPort,
    ServicePort,
    ServiceSpec,
    ref_of,
)
from isthmus.xds.resources import CLUSTER, ENDPOINTS, SCOPE

NAMES = st.sampled_from(["a", "b", "c"])
HOSTS = st.sampled_from(["", "a.test", "b.test", "*.test", "*.a.test", "BAD host", "10.0.0.1"])
PATHS = st.sampled_from(["/", "/x", "/x/", "/x/y", "/long/er", "relative", "/a b"])
TYPES = st.sampled_from(["Prefix", "Exact", "ImplementationSpecific", "Prefx"])
ALIASES = "b.test, alias.test, www.a.test"
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            "nginx.ingress.kubernetes.io/backend-protocol",
            "nginx.ingress.kubernetes.io/ssl-redirect",
            "nginx.ingress.kubernetes.io/proxy-read-timeout",
            "nginx.ingress.kubernetes.io/auth-type",
            "nginx.ingress.kubernetes.io/canary",
            "nginx.ingress.kubernetes.io/canary-weight",
            "nginx.ingress.kubernetes.io/canary-by-header",
            "nginx.ingress.kubernetes.io/server-alias",
            "nginx.ingress.kubernetes.io/from-to-www-redirect",
            "nginx.ingress.kubernetes.io/use-regex",
            "nginx.ingress.kubernetes.io/rewrite-target",
            "nginx.ingress.kubernetes.io/app-root",
            "nginx.ingress.kubernetes.io/default-backend",
            "nginx.ingress.kubernetes.io/custom-http-errors",
            "nginx.org/grpc-services",
            "kubernetes.io/ingress.class",
        ]
    ),
    st.sampled_from(["GRPC", "true", "true", "false", "60", "a", "nginx", "\x00\r\n", "", "/x$1", "503", ALIASES]),
    max_size=4,
)


def meta(name: str, **fields: object) -> Meta:
    return Meta(name=name, namespace="default", **fields)


BACKENDS = st.builds(
    lambda name, number: IngressBackend(ServiceBackend(name, ServiceBackendPort(number=number))),
    NAMES,
    st.sampled_from([80, 81]),
)
RULES = st.builds(
    IngressRule,
    HOSTS,
    st.builds(
        IngressHttp,
        st.lists(st.builds(IngressPath, BACKENDS, PATHS, TYPES), min_size=1, max_size=3).map(tuple),
    ),
)
INGRESSES = st.builds(
    lambda name, notes, rules, tls, klass, default: Ingress(
        metadata=meta(name, annotations=notes),
        spec=IngressSpec(klass, default, (IngressTls((tls,), "a"),) if tls else (), rules),
    ),
    NAMES,
    ANNOTATIONS,
    st.lists(RULES, max_size=3).map(tuple),
    st.sampled_from(["", "a.test", "*.test"]),
    st.sampled_from(["nginx", "other", None]),
    st.none() | BACKENDS,
)
SERVICES = st.builds(
    lambda name, port, kind, said: Service(
        metadata=meta(name),
        spec=ServiceSpec(type=kind, external_name="x.test", ports=(ServicePort(port, app_protocol=said),)),
    ),
    NAMES,
    st.sampled_from([80, 81]),
    st.sampled_from(["ClusterIP", "ExternalName"]),
    st.sampled_from([None, "kubernetes.io/h2c", "odd"]),
)
SLICES = st.builds(
    lambda name, service, last, ready: EndpointSlice(
        metadata=meta(name, labels={"kubernetes.io/service-name": service}),
        endpoints=(Endpoint((f"10.0.0.{last}",), EndpointConditions(ready=ready)),),
        ports=(EndpointPort(port=8080),),
    ),
    NAMES,
    NAMES,
    st.integers(1, 3),
    st.sampled_from([True, False, None]),
)
CLASSES = st.builds(
    lambda default: IngressClass(
        metadata=Meta("nginx", annotations={"ingressclass.kubernetes.io/is-default-class": default}),
        spec=IngressClassSpec("k8s.io/ingress-nginx"),
    ),
    st.sampled_from(["true", "false"]),
)
SETTINGS = st.builds(
    lambda name, data: ConfigMap(metadata=Meta(name, "ingress-nginx"), data=data),
    st.sampled_from(["ingress-nginx-controller", "other"]),
    st.none()
    | st.dictionaries(st.sampled_from(["hsts", "http-redirect-code", "odd"]), st.sampled_from(["false", "301"])),
)
SECRETS = st.builds(lambda text: Secret(metadata=meta("a"), data={"tls.crt": text}), st.sampled_from(["", "x"]))
OBJECTS = st.one_of(INGRESSES, INGRESSES, SERVICES, SLICES, CLASSES, SECRETS, SETTINGS)
EDITS = st.lists(st.tuples(st.sampled_from(["put", "put", "put", "delete"]), OBJECTS), min_size=1, max_size=25)


def replay(edits: list[tuple[str, Base]]) -> tuple[Table, dict[object, Base], object]:
    """Apply the edits one by one."""
    table, current, line = Table(), {}, pipeline()
    table.apply(line.start())
    for word, obj in edits:
        if word == "put":
            current[ref_of(obj)] = obj
            table.apply(line.apply([obj]).changes)
        else:
            current.pop(ref_of(obj), None)
            table.apply(line.apply([], [ref_of(obj)]).changes)
    return table, current, line


@settings(max_examples=150, deadline=None)
@given(EDITS, st.randoms(use_true_random=False))
def test_incremental_is_from_scratch(edits: list[tuple[str, Base]], random_: random.Random) -> None:
    table, current, line = replay(edits)
    fresh = pipeline()
    objects = list(current.values())
    random_.shuffle(objects)
    scratch = Table()
    scratch.apply(fresh.start())
    scratch.apply(fresh.apply(objects).changes)
    assert table.resources == scratch.resources
    assert line.memo.diagnostics() == fresh.memo.diagnostics()


@settings(max_examples=100, deadline=None)
@given(EDITS)
def test_invariants_hold_and_nothing_dangles(edits: list[tuple[str, Base]]) -> None:
    table, _, line = replay(edits)
    for translation in line.memo.hosts.values():
        for config in translation.hosts:
            assert violations(config) == ()
            for route in config.routes:
                for backend in route.backends:
                    assert backend.service in translation.services or backend.dns
    clusters = {name for kind, name in table.resources if kind == CLUSTER}
    assert {name for kind, name in table.resources if kind == ENDPOINTS} == {n for n in clusters if "@" not in n}


@settings(max_examples=60, deadline=None)
@given(EDITS, INGRESSES)
def test_an_edit_changes_only_its_own_hosts(edits: list[tuple[str, Base]], changed: Ingress) -> None:
    table, current, line = replay(edits)
    before = dict(table.resources)
    old = current.get(ref_of(changed))
    table.apply(line.apply([changed]).changes)
    hosts = {rule.host or "*" for obj in (old, changed) if isinstance(obj, Ingress) for rule in obj.spec.rules}
    hosts |= {
        name
        for obj in (*current.values(), changed)
        if isinstance(obj, Ingress)
        for name, parts in claimed(obj, {rule.host for rule in obj.spec.rules if rule.host}).items()
        if parts.of in hosts or obj in (old, changed)
    }
    allowed = {host if not host.startswith("*") else "*" for host in hosts} | {"*"}
    for kind, name in before.keys() | table.resources.keys():
        if kind == SCOPE and before.get((kind, name)) != table.resources.get((kind, name)):
            assert name.partition("/")[2] in allowed
