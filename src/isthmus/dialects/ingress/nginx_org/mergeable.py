"""mergeable-ingress-type: one host split over a master, which has the host and its TLS, and minions with the paths.

Minions inherit what the master says about the whole host, and its defaults for paths. Rule: a minion without a master
is not served, because what protects the host is said by the master. Source: NGINX Ingress Controller, mergeable
Ingress types; its lists of what does not count on a master or a minion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from isthmus.dialects.dialect import Parts
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.view import Inherited
from isthmus.kube.diagnostics import Report, printable
from isthmus.kube.objects import Ingress, ref_of
from isthmus.kube.refs import FieldPath, annotation

TYPE = "nginx.org/mergeable-ingress-type"
MASTER, MINION = "master", "minion"
INHERITED = "/"  # stands between a minion's own policies and its master's

NOT_ON_MASTER = frozenset(
    {
        "nginx.org/rewrites",
        "nginx.org/ssl-services",
        "nginx.org/grpc-services",
        "nginx.org/websocket-services",
        "nginx.org/fastcgi-services",
        "nginx.org/sticky-cookie-services",
        "nginx.com/sticky-cookie-services",
        "nginx.com/health-checks",
        "nginx.com/health-checks-mandatory",
        "nginx.com/health-checks-mandatory-queue",
        "nginx.org/use-cluster-ip",
    }
)
NOT_ON_MINION = frozenset(
    {
        "nginx.org/proxy-hide-headers",
        "nginx.org/proxy-pass-headers",
        "nginx.org/redirect-to-https",
        "ingress.kubernetes.io/ssl-redirect",
        "nginx.org/ssl-redirect",
        "nginx.org/http-redirect-code",
        "nginx.org/hsts",
        "nginx.org/hsts-max-age",
        "nginx.org/hsts-include-subdomains",
        "nginx.org/hsts-behind-proxy",
        "nginx.org/server-tokens",
        "nginx.org/listen-ports",
        "nginx.org/listen-ports-ssl",
        "nginx.org/server-snippets",
        "nginx.org/ssl-ciphers",
        "nginx.org/ssl-prefer-server-ciphers",
        "nginx.org/app-root",
    }
)
# Said by each Ingress for its own paths or upstreams only.
_OWN = frozenset(
    {
        TYPE,
        "nginx.org/path-regex",
        "nginx.org/rewrite-target",
        "nginx.org/proxy-next-upstream",
        "nginx.org/proxy-next-upstream-timeout",
        "nginx.org/proxy-next-upstream-tries",
        "nginx.org/proxy-redirect-from",
        "nginx.org/proxy-redirect-to",
        "nginx.com/slow-start",
    }
)
_PREFIXES = ("nginx.org/", "nginx.com/", "appprotect.f5.com/", "appprotectdos.f5.com/", "isthmus.dev/")
_OLD_SSL_REDIRECT = "ingress.kubernetes.io/ssl-redirect"
# A minion's own word replaces all of the master's: half of each would be neither's.
_UNITS = (("nginx.org/basic-auth-secret", "nginx.org/basic-auth-"), ("nginx.com/jwt-key", "nginx.com/jwt-"))
_LISTS = {  # both count: the minion's, then the master's
    "nginx.org/policies": f",{INHERITED},",
    "nginx.com/policies": f",{INHERITED},",
    "nginx.org/proxy-set-headers": ",",
    "nginx.org/add-header": ",",
}


class Member(NamedTuple):
    """An Ingress of a host as it counts, and what it has from its master."""

    ingress: Ingress
    parts: Parts
    inherited: Inherited | None = None


def merge(host: str, members: Sequence[Member], ours: Callable[[Ingress], bool], report: Report) -> tuple[Member, ...]:
    """The members of a host, oldest first, with minions that have what their master says; `ours` are this
    controller's. Masters stay, with their TLS; what is neither stays as it is."""
    if not any(TYPE in member.ingress.metadata.annotations for member in members):
        return tuple(members)
    roles = [(_role(member.ingress, report) if ours(member.ingress) else "", member) for member in members]
    master: Ingress | None = None
    merged: list[Member] = []
    for role, member in roles:
        if role == MASTER and _is_whole(member.ingress, role, report):
            if master is None:
                master = _without(member.ingress, NOT_ON_MASTER, (MASTER, MINION), report)
                merged.append(member._replace(ingress=master))
            else:
                at = annotation(TYPE)
                report.add(codes.OTHER_MASTER, ref_of(member.ingress), at, host=host, winner=ref_of(master))
    for role, member in roles:
        if role == MINION and _is_whole(member.ingress, role, report):
            if master is None:
                report.add(codes.NO_MASTER, ref_of(member.ingress), annotation(TYPE), host=host)
            else:
                minion = _without(member.ingress, NOT_ON_MINION, (MINION, MASTER), report)
                merged.append(_inheriting(member._replace(ingress=minion), master))
        elif not role:
            merged.append(member)
    order = {(member.ingress.metadata.namespace, member.ingress.metadata.name): at for at, member in enumerate(members)}
    return tuple(sorted(merged, key=lambda m: order[m.ingress.metadata.namespace, m.ingress.metadata.name]))


def _role(ingress: Ingress, report: Report) -> str:
    """master, minion, or nothing. A word that is neither might have been meant to leave the host to a master."""
    value = ingress.metadata.annotations.get(TYPE)
    if value is None or value in (MASTER, MINION):
        return value or ""
    problem = f"{TYPE} is {printable(value, 60)}, expected master or minion"
    report.add(codes.WRONG_ROLE, ref_of(ingress), annotation(TYPE), problem=problem)
    return "neither"


def _is_whole(ingress: Ingress, role: str, report: Report) -> bool:
    """Whether a master or minion has what it must, and nothing that it must not."""
    rules, at = ingress.spec.rules, FieldPath(("spec", "rules"))
    paths = sum(len(rule.http.paths) if rule.http else 0 for rule in rules)
    problem = ""
    if len(rules) != 1:
        problem = f"has one rule, this one has {len(rules)}"
    elif role == MASTER and paths:
        problem = "has no paths"
    elif role == MINION and not paths:
        problem = "has paths"
    elif role == MINION and ingress.spec.tls:
        problem, at = "has no TLS: its master has", FieldPath(("spec", "tls"))
    if problem:
        report.add(codes.WRONG_ROLE, ref_of(ingress), at, problem=f"a {role} {problem}")
    return not problem


def _without(ingress: Ingress, denied: frozenset[str], roles: tuple[str, str], report: Report) -> Ingress:
    """The Ingress without the annotations that do not count for its role."""
    given = ingress.metadata.annotations
    if denied.isdisjoint(given):
        return ingress
    role, other = roles
    for key in sorted(denied.intersection(given)):
        report.add(codes.NOT_FOR_ROLE, ref_of(ingress), annotation(key), annotation=key, role=role, other=other)
    return _with(ingress, {key: value for key, value in given.items() if key not in denied})


def _with(ingress: Ingress, annotations: dict[str, str]) -> Ingress:
    return replace(ingress, metadata=replace(ingress.metadata, annotations=annotations))


def _inheriting(member: Member, master: Ingress) -> Member:
    """A minion with what its master says."""
    own = member.ingress.metadata.annotations
    whole = tuple(start for key, start in _UNITS if key in own)
    annotations, inherited = dict(own), set[str]()
    for key, value in master.metadata.annotations.items():
        if key in _OWN or key.startswith(whole) or not (key.startswith(_PREFIXES) or key == _OLD_SSL_REDIRECT):
            continue
        if key not in own:
            annotations[key] = f"{INHERITED},{_qualified(key, value, master)}" if _is_policies(key) else value
            inherited.add(key)
        elif key in _LISTS:
            annotations[key] = own[key] + _LISTS[key] + _qualified(key, value, master)
    return Member(_with(member.ingress, annotations), member.parts, Inherited(frozenset(inherited), master))


def _is_policies(key: str) -> bool:
    return key.endswith("/policies")


def _qualified(key: str, value: str, master: Ingress) -> str:
    """Names of Policies are of the master's namespace."""
    if not _is_policies(key):
        return value
    names = (name.strip() for name in value.split(",") if name.strip())
    return ",".join(name if "/" in name else f"{master.metadata.namespace}/{name}" for name in names)


FEATURE = Feature(
    title="Masters and minions",
    about="One host split over several objects. The master has the host, its TLS and what is about the whole host, and "
    "no paths; minions, which may be in other namespaces, have the paths. Minions inherit from the master what they do "
    "not say themselves, except what is about single paths: regular expressions, rewrites, retries and slow starts. A "
    "minion without a master is not served. Other Ingresses of the host are served beside them; in NGINX Inc's "
    "controller the older of the two has the host for itself.",
    annotations=(
        Annotation(
            TYPE,
            "master or minion",
            "",
            Handling.DIFFERS,
            "headers of master and minion are merged; a minion's own retries, rewrites and regular expressions count",
        ),
    ),
)
