"""What NGINX Inc's annotations decide about a path, without a pipeline: annotations in, Draft and findings out."""

from __future__ import annotations

from typing import NamedTuple

from isthmus.dialects.ingress.annotations import draft
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx_org import VOCABULARY
from isthmus.ir.policy import Policy
from isthmus.kube.decode import decode
from isthmus.kube.diagnostics import Diagnostic, Report
from isthmus.kube.objects import (
    Base,
    ConfigMap,
    Ingress,
    IngressBackend,
    IngressHttp,
    IngressPath,
    IngressRule,
    IngressSpec,
    Meta,
    Secret,
    ServiceBackend,
    ServiceBackendPort,
)
from isthmus.kube.store import Lookup, Store

# What a tenant may write, and what must never do more than be reported.
HOSTILE = ("", "\x00", "a\r\nset-cookie: x", "٣", "{}", '"; }', "$nobody", "x" * 70_000, "${", "\ud800", "%0d%0a", "//")


class Drafted(NamedTuple):
    """`codes` are the ids of the findings, sorted."""

    draft: Draft
    found: tuple[Diagnostic, ...]

    @property
    def codes(self) -> list[str]:
        return sorted(each.code.id for each in self.found)

    @property
    def policy(self) -> Policy:
        return self.draft.policy


def backend(name: str, port: int = 80) -> IngressBackend:
    """A port of a Service."""
    return IngressBackend(ServiceBackend(name, ServiceBackendPort(number=port)))


def ingress(annotations: dict[str, str], default: str = "") -> Ingress:
    """An Ingress with the paths /tea and /coffee to Services of the same names."""
    paths = tuple(IngressPath(backend(name), f"/{name}", "Prefix") for name in ("tea", "coffee"))
    return Ingress(
        metadata=Meta("cafe", "default", annotations=annotations),
        spec=IngressSpec(
            ingress_class_name="nginx",
            default_backend=backend(default) if default else None,
            rules=(IngressRule("cafe.example.com", IngressHttp(paths)),),
        ),
    )


def drafted(
    annotations: dict[str, str],
    *objects: Base,
    service: str = "tea",
    default: str = "",
    settings: dict[str, str] | None = None,
) -> Drafted:
    """What the annotations decide about the path to a Service."""
    store = Store()
    store.apply(objects)
    report = Report()
    config = ConfigMap(metadata=Meta("config", "isthmus"), data=settings) if settings is not None else None
    obj = ingress(annotations, default)
    return Drafted(draft(VOCABULARY, obj, service, report, Lookup(store), config), report.all())


def secret(name: str, kind: str, namespace: str = "default", **values: str) -> Secret:
    """A Secret; underscores in the names of values become dots."""
    data = {key.replace("_", "."): value for key, value in values.items()}
    return Secret(metadata=Meta(name, namespace), type=kind, string_data=data)


def policy(spec: str, name: str = "p", namespace: str = "default") -> Base:
    """A Policy; its spec in YAML's flow style."""
    head = f"apiVersion: k8s.nginx.org/v1\nkind: Policy\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
    found = decode("policy.yaml", f"{head}spec: {spec}\n")
    assert not found.diagnostics, found.diagnostics
    return found.objects[0]
