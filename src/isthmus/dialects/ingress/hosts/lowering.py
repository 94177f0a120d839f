"""What all paths of one Ingress share while they are lowered: its controller's words, its drafts, its faults.

A draft is made once for each Service that the Ingress refers to, however many paths lead there. Rule: an Ingress that
asks for something that cannot be honoured answers 503, and nothing else does.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus import quirks
from isthmus.dialects.dialect import Parts
from isthmus.dialects.ingress import claims as whose
from isthmus.dialects.ingress import codes
from isthmus.dialects.ingress.annotations import Asked, draft, judge
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.rewriting import new_path, session_path
from isthmus.dialects.ingress.hosts import backends
from isthmus.dialects.ingress.hosts.path_kinds import rewrite_of
from isthmus.dialects.ingress.hosts.rules import Rule, Scene, Where
from isthmus.dialects.ingress.nginx import VOCABULARY as NGINX
from isthmus.dialects.ingress.nginx.errors import to_fallback, with_port
from isthmus.dialects.ingress.nginx.redirect import SSL_REDIRECT
from isthmus.dialects.ingress.nginx.settings import in_clear, redirect_status, without_auth
from isthmus.dialects.ingress.nginx_org.mergeable import Member
from isthmus.dialects.services import resolve
from isthmus.ir.action import Action, Forward, Respond
from isthmus.ir.authorization import Authorization
from isthmus.ir.backend import Protocol
from isthmus.ir.host import Origin
from isthmus.ir.match import SegmentPrefix
from isthmus.ir.policy import NOTHING_ASKED, Policy
from isthmus.kube.objects import Ingress, IngressBackend, ref_of
from isthmus.kube.refs import FieldPath, annotation

# What raises the limit on idle streams, in the words of NGINX Inc and of ingress-nginx.
_TIMEOUTS = (("nginx.org/", "3600s"), ("nginx.ingress.kubernetes.io/", "3600"))


class Lowering:
    """One Ingress of a host. `closed` says that its paths answer 503."""

    def __init__(self, claim: Member, scene: Scene) -> None:
        self.ingress: Ingress = claim.ingress
        self.parts = claim.parts
        self._asked = Asked(claim.ingress, claim.inherited)
        self.vocabulary = whose.vocabulary_of(claim.ingress, scene.look)
        self._scene = scene
        self._settings = whose.settings_of(self.vocabulary, scene.look, scene.options)
        self.closed = judge(self.vocabulary, whose.VOCABULARIES, self._asked, scene.report)
        self._drafts: dict[str, Draft] = {}
        self._any: Draft | None = None

    @property
    def is_ingress_nginx(self) -> bool:
        """Whether the habits of ingress-nginx are expected of it."""
        return self.vocabulary is NGINX

    def draft(self, service: str) -> Draft:
        """What the annotations say about paths that lead to a Service."""
        found = self._drafts.get(service)
        if found is None:
            scene = self._scene
            found = draft(self.vocabulary, self._asked, service, scene.report, scene.look, self._settings)
            found = self._drafts[service] = self._as_controller(found)
        return found

    def _as_controller(self, found: Draft) -> Draft:
        """With what the controller's ConfigMap says about all paths, and without the quirks that nobody wants."""
        if not self.is_ingress_nginx:
            return found
        if self._settings is not None:
            found = replace(found, redirect_status=redirect_status(self._settings))
        without = self._scene.options.without
        if quirks.HSTS in without:
            found = replace(found, hsts="")
        if quirks.TLS_REDIRECT in without and SSL_REDIRECT not in self.ingress.metadata.annotations:
            found = replace(found, ssl_redirect=False)
        if quirks.BODY_LIMIT in without and not found.body_limit_set:
            found = replace(found, policy=replace(found.policy, max_body_bytes=0))
        return found

    def any_draft(self) -> Draft:
        """What the annotations say about the whole Ingress."""
        if self._any is None:
            self._any = self.draft(_first_service(self.ingress, self.parts))
        return self._any

    def rule(self, where: Where, backend: IngressBackend, decided: Draft | None = None) -> Rule:
        """What a path that leads to a backend does, by its own draft or by one that somebody else has made."""
        if decided is None:
            decided = self.draft(backend.service.name if backend.service else "")
        scene = self._scene
        place = backends.Place(self.ingress, where.backend_at)
        action: Action = backends.lower(place, backend, decided, scene.look, scene.options, scene.report)
        action, policy = self._or_fallback(action, backend, decided)
        policy = with_port(policy, backend.service)
        if self.is_ingress_nginx and where.written.startswith(without_auth(self._settings)):
            policy = _without_auth(policy)
        if isinstance(action, Forward):
            action = self._rewritten(action, where, decided)
        closed = self.closed or decided.closed
        if closed:
            reason = f"{ref_of(self.ingress)} asks for something that cannot be honoured; see its findings"
            action = Respond(backends.UNAVAILABLE, reason)
        elif decided.redirect is not None:
            action, policy = decided.redirect, on_the_way(policy)
        elif decided.answer is not None:
            action = decided.answer
        elif isinstance(action, Forward) and not decided.timeouts_set and not action.websocket:
            at = FieldPath(("metadata", "annotations"))
            seconds = action.idle_timeout_ms // 1000
            prefix, value = _TIMEOUTS[self.is_ingress_nginx]
            scene.report.add(
                codes.DEFAULT_TIMEOUT, ref_of(self.ingress), at, seconds=seconds, prefix=prefix, value=value
            )
        origin = Origin(ref_of(self.ingress), where.at)
        policy = _spared(policy, action, decided)
        rule = Rule(where.path, action, origin, decided, policy, where.written, where.kind, closed=closed)
        spared = self.is_ingress_nginx and where.written.startswith(in_clear(self._settings))
        return replace(rule, in_clear=True) if spared else rule

    def signing_in(self) -> Rule | None:
        """The part of the host where people sign in, whatever else is asked of requests to this Ingress."""
        decided = self.any_draft()
        if decided.sign_in is None or self.closed or decided.closed:
            return None
        place, policy = decided.sign_in, _without_question(replace(decided.policy, max_body_bytes=0))
        origin = Origin(ref_of(self.ingress), annotation(place.key))
        return Rule(SegmentPrefix(place.path), Forward(place.backend), origin, decided, policy, place.path)

    def _rewritten(self, action: Forward, where: Where, decided: Draft) -> Forward:
        """With the path that the backend sees, and the path of the cookie that keeps clients there."""
        rewrite = rewrite_of(decided, where.written)
        if decided.rewrite is not None and decided.rewrite != where.written:
            rewrite = new_path(where.written, decided.rewrite)
        session = action.session
        if session is not None and not session.path:
            session = replace(session, path=session_path(where.path, where.written))
        return replace(action, rewrite=rewrite, session=session)

    def _or_fallback(self, action: Action, backend: IngressBackend, decided: Draft) -> tuple[Action, Policy]:
        """The default backend of the annotation takes what has nobody to answer it."""
        if decided.fallback is None:
            return action, decided.policy
        if isinstance(action, Forward):
            found = resolve(action.backend.service, self._scene.look)[0]
            if found.addresses or action.backend.dns or action.backend.address:
                return action, decided.policy
        return to_fallback(decided, (self.ingress.metadata, backend.service))


def on_the_way(policy: Policy) -> Policy:
    """What is asked of requests that are sent elsewhere: nothing that keeps anybody out, as in nginx."""
    return replace(NOTHING_ASKED, cors=policy.cors, answer_headers=policy.answer_headers)


def _without_auth(policy: Policy) -> Policy:
    """Without a password or the word of another server; addresses and certificates still count."""
    if policy.authorization is None:
        return policy
    rest = replace(policy.authorization, basic=None, question=None)
    asks = rest.common_name or rest.allow is not None or rest.deny or rest.jwt or rest.api_keys
    return replace(policy, authorization=rest if asks else None)


def _without_question(policy: Policy) -> Policy:
    """Without the word of another server; passwords and all the rest still count."""
    asked = policy.authorization
    if asked is None or asked.question is None:
        return policy
    rest = replace(asked, question=None)
    return replace(policy, authorization=None if rest == Authorization(asked.place) else rest)


def _spared(policy: Policy, action: Action, decided: Draft) -> Policy:
    """gRPC is spared what would end its streams or put pages in the place of its answers, unless that was asked for;
    and headers about the client, which cost more than all the rest of a call."""
    if not isinstance(action, Forward) or action.backend.protocol is not Protocol.HTTP2:
        return policy
    policy = replace(policy, errors=None, forwarded=False)
    if policy.max_body_bytes and not decided.body_limit_set:
        policy = replace(policy, max_body_bytes=0)
    return policy


def _first_service(ingress: Ingress, parts: Parts) -> str:
    rules = (ingress.spec.rules[index] for index in parts.rules)
    paths = [path.backend for rule in rules if rule.http for path in rule.http.paths[:1]]
    named = [each.service.name for each in (*paths, ingress.spec.default_backend) if each and each.service]
    return named[0] if named else ""
