"""What was settled about a host's TLS, as it changes the host's routes on the two listeners.

Rule: what a backend is told about a client's certificate never comes from the client's own headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.ingress.tls_asks import ClientAsk
from isthmus.ir.action import Forward, Redirect, Respond
from isthmus.ir.authorization import Authorization
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.guard import ClientCertificates, Guard
from isthmus.ir.host import Route
from isthmus.ir.listener import HostTls
from isthmus.ir.match import Shown
from isthmus.ir.policy import Edit, HeaderEdit, Policy
from isthmus.ir.template import Of, Variable
from isthmus.kube.refs import ObjectRef

_UNAVAILABLE = 503
_CLOSED = "{ref} asks for something that cannot be honoured; see its findings"


class Settled(Struct, frozen=True):
    """What counts. `closed` are the objects whose paths answer 503. `subjects` are what certificates' subjects must
    hold, by object. `clients` is what was asked for about certificates, merged."""

    tls: tuple[HostTls, ...] = ()
    guard: Guard | None = None
    closed: frozenset[ObjectRef] = frozenset()
    subjects: Mapping[ObjectRef, str] = {}
    clients: ClientAsk | None = None

    @property
    def services(self) -> tuple[ServicePortRef, ...]:
        """Service ports that connections are passed through to, whose endpoints are wanted."""
        passed = (tls.passthrough for tls in self.tls if tls.passthrough is not None)
        return tuple(each.service for each in passed if not each.dns and not each.address)

    def over_tls(self, routes: Iterable[Route]) -> list[Route]:
        """The host's routes on the HTTPS listener."""
        if any(tls.passthrough is not None for tls in self.tls):
            return []
        return [made for route in routes for made in self._over_tls(route)]

    def in_clear(self, routes: Iterable[Route], https_port: int) -> list[Route]:
        """The host's routes on the HTTP listener: nobody can show a certificate there."""
        return [self._in_clear(route, https_port) for route in routes]

    def _over_tls(self, route: Route) -> list[Route]:
        if route.origin.ref in self.closed:
            return [_closed(route)]
        if self.clients is None or not isinstance(route.action, Forward):
            return [route]
        policy = _with_subject(route, self.subjects.get(route.origin.ref, ""))
        made = []
        for shown, verdict in _VERDICTS[self.clients.mode]:
            told = _told(verdict, self.clients.pass_certificate)
            match = replace(route.match, certificate=shown)
            made.append(replace(route, match=match, policy=_with_told(policy, told)))
        return made

    def _in_clear(self, route: Route, https_port: int) -> Route:
        if route.origin.ref in self.closed:
            return _closed(route)
        if self.clients is None or not isinstance(route.action, Forward):
            return route
        if self.clients.mode is ClientCertificates.REQUIRED or self.subjects.get(route.origin.ref):
            return Route(route.match, Redirect(port=https_port), route.origin)
        edits = (*route.policy.request_headers, *_NEVER_SENT)
        return replace(route, policy=replace(route.policy, request_headers=edits))


_CERTIFICATE, _VERIFY = "ssl-client-cert", "ssl-client-verify"
_SUBJECT, _ISSUER = "ssl-client-subject-dn", "ssl-client-issuer-dn"
_NEVER_SENT = tuple(HeaderEdit(name, edit=Edit.REMOVE) for name in (_CERTIFICATE, _VERIFY, _SUBJECT, _ISSUER))
_SUCCESS, _NONE, _FAILED = "SUCCESS", "NONE", "FAILED:untrusted"
_VERDICTS: Mapping[ClientCertificates | None, tuple[tuple[Shown | None, str], ...]] = {
    ClientCertificates.REQUIRED: ((None, _SUCCESS),),  # the guard lets nobody else come so far
    ClientCertificates.OPTIONAL: ((Shown.VERIFIED, _SUCCESS), (Shown.NOTHING, _NONE)),
    ClientCertificates.UNJUDGED: ((Shown.VERIFIED, _SUCCESS), (Shown.UNVERIFIED, _FAILED), (Shown.NOTHING, _NONE)),
    None: ((None, _NONE),),
}


def _told(verdict: str, certificate: bool) -> tuple[HeaderEdit, ...]:
    """What the backend is told about the client, in place of what the client says about itself."""
    told = [HeaderEdit(_VERIFY, (verdict,))]
    if verdict != _NONE:
        told.append(HeaderEdit(_SUBJECT, (Variable(Of.CERTIFICATE_SUBJECT),)))
        told.append(HeaderEdit(_ISSUER, (Variable(Of.CERTIFICATE_ISSUER),)))
        if certificate:
            told.append(HeaderEdit(_CERTIFICATE, (Variable(Of.CERTIFICATE),)))
    return (*_NEVER_SENT, *told)


def _with_told(policy: Policy, told: tuple[HeaderEdit, ...]) -> Policy:
    """The backend is told, and the server that authorizes; the helper passes on nothing that a client says there."""
    found = policy.authorization
    if found is not None and found.question is not None:
        headers = tuple((edit.name, edit.value) for edit in told if edit.edit is Edit.SET)
        asked = replace(found.question, set_headers=(*found.question.set_headers, *headers))
        found = replace(found, question=asked)
    return replace(policy, request_headers=(*policy.request_headers, *told), authorization=found)


def _with_subject(route: Route, subject: str) -> Policy:
    if not subject:
        return route.policy
    ref = route.origin.ref
    found = route.policy.authorization or Authorization(f"{ref.namespace}/{ref.name}")
    return replace(route.policy, authorization=replace(found, common_name=subject))


def _closed(route: Route) -> Route:
    return Route(route.match, Respond(_UNAVAILABLE, _CLOSED.format(ref=route.origin.ref)), route.origin)
