"""Certificates of a host: which `tls` entry speaks for it, and whether its Secret gives a pair.

A host has TLS as soon as an entry speaks for it, whatever the Secret holds: a missing or broken Secret must never
turn a host back to cleartext.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from msgspec import Struct

from isthmus.dialects.dialect import Options, Parts
from isthmus.dialects.ingress import codes
from isthmus.dialects.ingress.claims import is_host
from isthmus.ir.host import CATCH_ALL, Origin
from isthmus.ir.listener import Certificate, PrivateBytes
from isthmus.kube.certificates import Broken, Pair, parse_pair
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Ingress, ref_of
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.kube.store import Lookup

_SOON = datetime.timedelta(days=21)
_NEXT = datetime.timedelta(seconds=1)  # certificates count in seconds, and the last one is still good


IngressClaim = tuple[Ingress, Parts]


class HostTls(Struct, frozen=True):
    """`asked`: an entry speaks for the host. `lost`: one of its Secrets gives no pair."""

    asked: bool = False
    lost: bool = False
    certificates: tuple[Certificate, ...] = ()


def host_tls(host: str, claims: Sequence[IngressClaim], look: Lookup, options: Options, report: Report) -> HostTls:
    """The certificates of a host. The oldest Ingress with an entry for a name decides about it."""
    found: dict[str, Certificate | None] = {}
    for ingress, parts in claims:
        for name, index in _entries(host, ingress, parts, look):
            if name not in found:
                found[name] = _certificate(_Place(ingress, index, name), look, options, report)
    certificates = tuple(c for c in found.values() if c is not None)
    return HostTls(bool(found), len(certificates) < len(found), certificates)


class _Place(Struct, frozen=True):
    ingress: Ingress
    index: int
    host: str

    def path(self, field: str) -> FieldPath:
        return FieldPath(("spec", "tls", self.index, field))


def _entries(host: str, ingress: Ingress, parts: Parts, look: Lookup) -> Iterator[tuple[str, int]]:
    """(name, index) of each entry that speaks for the host: by name, else by what its certificate covers."""
    if host == CATCH_ALL:
        yield from ((name, index) for index in parts.tls for name in ingress.spec.tls[index].hosts if is_host(name))
        return
    yield from ((host, index) for index in parts.tls)
    for index, tls in enumerate(ingress.spec.tls if not parts.tls else ()):
        secret = look.secret(ingress.metadata.namespace, tls.secret_name) if tls.secret_name else None
        pair = parse_pair(secret) if secret else None
        if pair.covers(host) if isinstance(pair, Pair) else not tls.hosts:
            yield host, index  # an entry without hosts whose Secret cannot be read may be meant for any of them


def _certificate(place: _Place, look: Lookup, options: Options, report: Report) -> Certificate | None:
    ref = ref_of(place.ingress)
    tls = place.ingress.spec.tls[place.index]
    if not tls.secret_name:
        report.add(codes.TLS_INCOMPLETE, ref, FieldPath(("spec", "tls", place.index)), host=place.host)
        return None
    name = f"{ref.namespace}/{tls.secret_name}"
    secret = look.secret(ref.namespace, tls.secret_name)
    if secret is None:
        path = place.path("secretName")
        report.add(codes.NO_SECRET, ref, path, secret=name, name=tls.secret_name, host=place.host)
        return None
    if secret.type != "kubernetes.io/tls":
        path = FieldPath(("type",))
        report.add(codes.SECRET_TYPE, ref_of(secret), path, secret=name, name=tls.secret_name, value=secret.type)
    pair = parse_pair(secret)
    if isinstance(pair, Broken):
        path = FieldPath((pair.field,))
        report.add(codes.BROKEN_SECRET, ref_of(secret), path, secret=name, name=tls.secret_name, reason=pair.reason)
        return None
    for moment in (pair.not_before, pair.not_after - _SOON + _NEXT, pair.not_after + _NEXT):
        if moment > options.now:
            look.holds_until(moment)
    _judge(pair, name, ref_of(secret), place.host, options, report)
    return Certificate(place.host, pair.chain, PrivateBytes(pair.key), Origin(ref, place.path("secretName")))


def _judge(pair: Pair, name: str, ref: ObjectRef, host: str, options: Options, report: Report) -> None:
    """Report what clients will think of a pair that works."""
    path = FieldPath(("data",))
    if not pair.names:
        report.add(codes.NO_SAN, ref, path, secret=name, host=host)
    elif not pair.covers(host):
        names = ", ".join(pair.names[:5])
        report.add(codes.SAN_MISMATCH, ref, path, secret=name, host=host, names=names)
    if options.now > pair.not_after:
        reason = f"it expired on {pair.not_after:%Y-%m-%d}"
        report.add(codes.EXPIRED, ref, path, secret=name, host=host, reason=reason)
    elif options.now < pair.not_before:
        reason = f"it starts on {pair.not_before:%Y-%m-%d}"
        report.add(codes.EXPIRED, ref, path, secret=name, host=host, reason=reason)
    elif pair.not_after - options.now < _SOON:
        days = (pair.not_after - options.now).days
        report.add(codes.EXPIRING, ref, path, secret=name, host=host, days=days)
    if pair.issuer.startswith("*.") and is_host(pair.issuer.lower()):
        report.add(codes.MISLEADING_ISSUER, ref, path, secret=name, issuer=pair.issuer)
