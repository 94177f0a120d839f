"""Whose an Ingress is and which hosts it claims.

An Ingress belongs to its class; the class's controller decides whose annotations count. Hosts that are no host
names are left out here, so that translation sees only hosts that can exist.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.dialects.dialect import Claims, Options, Parts
from isthmus.dialects.ingress import codes, nginx, nginx_org
from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.host_names import is_host as is_host
from isthmus.dialects.ingress.hosts import other_names
from isthmus.dialects.services import closest
from isthmus.ir.host import CATCH_ALL
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import ConfigMap, Ingress, IngressClass, ref_of
from isthmus.kube.refs import FieldPath, annotation
from isthmus.kube.store import Lookup

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"

# Alibaba's annotations are recognised, so that they are never ignored without a word.
ALB = Vocabulary(name="Alibaba ALB", prefixes=("alb.ingress.kubernetes.io/",), features=(), closing=("auth-", "acl-"))
VOCABULARIES = (nginx.VOCABULARY, nginx_org.VOCABULARY, ALB)

_CONTROLLERS = {
    "k8s.io/ingress-nginx": nginx.VOCABULARY,
    "nginx.org/ingress-controller": nginx_org.VOCABULARY,
}


def vocabulary_of(ingress: Ingress, look: Lookup) -> Vocabulary:
    """Whose annotations count for an Ingress: those of its class's controller, ingress-nginx's by default."""
    name = ingress.spec.ingress_class_name or ingress.metadata.annotations.get(CLASS_ANNOTATION)
    chosen = look.ingress_class(name) if name else _default_class(look)
    return _CONTROLLERS.get(chosen.spec.controller, nginx.VOCABULARY) if chosen else nginx.VOCABULARY


def settings_of(vocabulary: Vocabulary, look: Lookup, options: Options) -> ConfigMap | None:
    """The ConfigMap of the controller whose annotations count, where there is one."""
    namespace, _, name = (options.controller_config or vocabulary.config_map).partition("/")
    return look.config_map(namespace, name) if name else None


def claims(ingress: Ingress, look: Lookup, options: Options) -> Claims:
    """The hosts that an Ingress claims: none when its class is not served here."""
    report = Report()
    if not _served(ingress, look, options, report):
        return Claims({}, report.all())
    rules: dict[str, list[int]] = {}
    for index, rule in enumerate(ingress.spec.rules):
        if not rule.host or is_host(rule.host):
            rules.setdefault(rule.host or CATCH_ALL, []).append(index)
        else:
            path = FieldPath(("spec", "rules", index, "host"))
            report.add(codes.INVALID_HOST, ref_of(ingress), path, value=rule.host)
    if not ingress.spec.rules and ingress.spec.default_backend:
        rules[CATCH_ALL] = []
    named = any(key in ingress.metadata.annotations for key in other_names.KEYS)
    nginx_here = named and vocabulary_of(ingress, look) is nginx.VOCABULARY
    others = other_names.claimed(ingress, rules) if nginx_here else {}
    tls = _tls_entries(ingress, rules, others, report)
    hosts = {host: Parts(tuple(indexes), tuple(tls.get(host, ()))) for host, indexes in rules.items()}
    return Claims({**others, **hosts}, report.all())


def _served(ingress: Ingress, look: Lookup, options: Options, report: Report) -> bool:
    ref = ref_of(ingress)
    name = ingress.spec.ingress_class_name
    path = FieldPath(("spec", "ingressClassName"))
    old = ingress.metadata.annotations.get(CLASS_ANNOTATION)
    if old is not None:
        report.add(codes.CLASS_ANNOTATION, ref, annotation(CLASS_ANNOTATION), value=name or old)
        if name is None:
            name, path = old, annotation(CLASS_ANNOTATION)
    served = ", ".join(options.classes)
    if not name:
        default = _default_class(look, report)
        if default is None:
            report.add(codes.NO_CLASS, ref, FieldPath(("spec",)), served=options.classes[0])
            return False
        name = default.metadata.name
    if name in options.classes:
        return True
    known = look.ingress_class(name)
    if known is None:
        hint = closest(name, options.classes)
        report.add(codes.UNKNOWN_CLASS, ref, path, value=name, served=served, hint=hint)
    else:
        controller = known.spec.controller or "nobody"
        report.add(codes.OTHER_CLASS, ref, path, value=name, controller=controller, served=served)
    return False


def _default_class(look: Lookup, report: Report | None = None) -> IngressClass | None:
    defaults = [c for c in look.ingress_classes() if c.metadata.annotations.get(DEFAULT_ANNOTATION) == "true"]
    if len(defaults) > 1 and report is not None:
        names = ", ".join(c.metadata.name for c in defaults)
        path = annotation(DEFAULT_ANNOTATION)
        chosen = defaults[0].metadata.name
        report.add(codes.SEVERAL_DEFAULTS, ref_of(defaults[1]), path, names=names, chosen=chosen)
    return defaults[0] if defaults else None


def _tls_entries(
    ingress: Ingress, rules: Mapping[str, object], others: Mapping[str, Parts], report: Report
) -> dict[str, list[int]]:
    """Host -> indexes of the `tls` entries that name it. A rule for every host takes the names of all entries."""
    entries: dict[str, list[int]] = {}
    parents: dict[str, list[str]] = {}
    for host in rules:
        parents.setdefault("*." + host.partition(".")[2], []).append(host)
    for index, tls in enumerate(ingress.spec.tls):
        for at, host in enumerate(tls.hosts):
            named = [host] if host in rules else parents.get(host, [])  # a wildcard names the hosts below it
            for each in named:
                entries.setdefault(each, []).append(index)
            beside = host in others and others[host].of in tls.hosts  # it is shown that host's certificate
            if not named and not beside and CATCH_ALL not in rules:
                path = FieldPath(("spec", "tls", index, "hosts", at))
                report.add(codes.TLS_HOST_UNUSED, ref_of(ingress), path, host=host)
    if CATCH_ALL in rules:
        entries[CATCH_ALL] = list(range(len(ingress.spec.tls)))
    return entries
