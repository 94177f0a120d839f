"""What each kind of NGINX Inc's Policy asks of a path.

Each kind is a function from a Draft to a Draft, to a reason why the Policy cannot be used, or to a refusal. Rule: a
field that cannot be read makes the whole Policy unusable.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx_org import cors, egress_mtls, external_auth, ingress_mtls
from isthmus.dialects.ingress.nginx_org.attached import Attached, Broken, Changed, Kind, Refused, secret_of
from isthmus.dialects.ingress.nginx_org.authorizations import authorized
from isthmus.dialects.ingress.nginx_org.basic_auth import MOST_TOLD
from isthmus.dialects.ingress.nginx_org.credentials import api_keys, jwk_set, users
from isthmus.dialects.ingress.nginx_org.jwt import token_place
from isthmus.dialects.ingress.nginx_org.limits import limit_key, requests
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View
from isthmus.ir.authorization import ApiKeys, BasicAuth, Jwt
from isthmus.ir.policy import RateLimit, SourceRanges

_MOST = 1_000_000
_PRELOADED = 31_536_000  # what browsers ask of those whom they know beforehand
_RANGE = re.compile(r"[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,200}")
_PARAMETER = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_REALM = re.compile(r"[ -#%-~]{0,200}")  # printable ASCII without $


def _access(view: View, attached: Attached, draft: Draft) -> Changed:
    """Those of `allow` only, or all but those of `deny`, which does not count beside `allow`, as in the controller."""
    asked = attached.policy.spec.access_control
    assert asked is not None
    allow, deny = _ranges(asked.allow), _ranges(asked.deny)
    if isinstance(allow, Broken) or isinstance(deny, Broken):
        return allow if isinstance(allow, Broken) else deny if isinstance(deny, Broken) else Broken("")
    if not allow and not deny:
        return Broken("accessControl has neither allow nor deny")
    before = draft.policy.sources or SourceRanges()
    allowed = (*(before.allow or ()), *allow) if before.allow is not None or allow else None
    denied = (*before.deny, *deny)
    if allowed is not None and denied:
        view.differs(attached.key, "of ranges to allow and ranges to deny only those to allow count, as in nginx here")
        denied = ()
    return _sources(draft, SourceRanges(allowed, denied))


def _ranges(listed: tuple[str, ...] | None) -> tuple[str, ...] | Broken:
    found: list[str] = []
    for each in listed or ():
        try:
            if not _RANGE.fullmatch(each):
                raise ValueError
            found.append(str(ipaddress.ip_network(each, strict=False)))
        except ValueError:
            return Broken(f"{each[:60]!r} in accessControl is no address or range")
    return tuple(found)


def _sources(draft: Draft, sources: SourceRanges) -> Draft:
    return replace(draft, policy=replace(draft.policy, sources=sources))


def _rate_limit(view: View, attached: Attached, draft: Draft) -> Changed:
    asked = attached.policy.spec.rate_limit
    assert asked is not None
    if asked.condition is not None:
        return Refused("rate limits with a condition cannot be had", "use a Policy without one, or a key that tells")
    rate = requests(asked.rate)
    if rate is None:
        return Broken(f"rateLimit.rate is {asked.rate[:60]!r}, expected 10r/s or 30r/m")
    key = limit_key(asked.key, constants(view, draft)) if asked.key else "it is empty"
    if isinstance(key, str):
        return Broken(f"rateLimit.key: {key}")
    burst, status = asked.burst or 0, asked.reject_code if asked.reject_code is not None else 503
    if not (0 <= burst <= _MOST and 400 <= status <= 599):
        return Broken("rateLimit.burst or rejectCode is out of range")
    if asked.scale:
        view.differs(attached.key, "each gateway counts for itself, and the rate is not divided by how many there are")
    policy = attached.policy.metadata
    place = f"{view.namespace}/{view.name} {policy.namespace}/{policy.name}"
    limit = RateLimit(*rate, burst=burst, key=key, status=status, dry_run=asked.dry_run is True, place=place)
    return replace(draft, policy=replace(draft.policy, limits=(*draft.policy.limits, limit)))


def _basic(view: View, attached: Attached, draft: Draft) -> Changed:
    asked = attached.policy.spec.basic_auth
    assert asked is not None
    secret = secret_of(view, attached, asked.secret)
    if isinstance(secret, Broken):
        return secret
    if draft.policy.authorization is not None and draft.policy.authorization.basic is not None:
        return Refused("there is a list of users already", "leave the Policy or nginx.org/basic-auth-secret")
    found, reason = users(secret)
    if reason or not _REALM.fullmatch(asked.realm):
        return Broken(f"Secret {asked.secret}: {reason}" if reason else "basicAuth.realm cannot be sent")
    for problem in found.problems[:MOST_TOLD]:
        name = f"Secret {secret.metadata.namespace}/{secret.metadata.name}"
        view.say(annotation_codes.UNUSABLE_PASSWORD, attached.key, name=name, reason=problem)
    return authorized(view, draft, BasicAuth(asked.realm, found.users))


def _jwt(view: View, attached: Attached, draft: Draft) -> Changed:
    asked = attached.policy.spec.jwt
    assert asked is not None
    if asked.jwks_uri and not asked.secret:
        return Refused("jwt keys are not fetched from a jwksURI", "put the JWK Set in a Secret and name it")
    secret = secret_of(view, attached, asked.secret)
    if isinstance(secret, Broken):
        return secret
    if draft.policy.authorization is not None and draft.policy.authorization.jwt is not None:
        return Refused("there are keys for tokens already", "leave the Policy or nginx.com/jwt-key")
    keys, reason = jwk_set(secret)
    token = token_place(asked.token)
    if reason or isinstance(token, str) or not _REALM.fullmatch(asked.realm):
        wrong = f"jwt.token is {asked.token[:60]!r}, expected {token}" if isinstance(token, str) else "jwt.realm"
        return Broken(f"Secret {asked.secret}: {reason}" if reason else wrong)
    return authorized(view, draft, Jwt(asked.realm, keys, token))


def _api_key(view: View, attached: Attached, draft: Draft) -> Changed:
    asked = attached.policy.spec.api_key
    assert asked is not None
    headers = asked.supplied_in.header or () if asked.supplied_in else ()
    parameters = asked.supplied_in.query or () if asked.supplied_in else ()
    if not (headers or parameters):
        return Broken("apiKey.suppliedIn names neither a header nor a query parameter")
    wrong = [name for name in headers if not _HEADER.fullmatch(name)]
    wrong += [name for name in parameters if not _PARAMETER.fullmatch(name)]
    if wrong:
        return Broken(f"{wrong[0][:60]!r} in apiKey.suppliedIn is no name of a header or a query parameter")
    secret = secret_of(view, attached, asked.client_secret)
    if isinstance(secret, Broken):
        return secret
    keys, reason = api_keys(secret)
    if reason:
        return Broken(f"Secret {asked.client_secret}: {reason}")
    return authorized(view, draft, ApiKeys(tuple(name.lower() for name in headers), tuple(parameters), keys))


def _hsts(view: View, attached: Attached, draft: Draft) -> Changed:
    asked = attached.policy.spec.hsts
    assert asked is not None
    if asked.max_age is None or not 0 <= asked.max_age < 2**31:
        return Broken("hsts.maxAge is missing or out of range")
    if asked.preload and not (asked.include_sub_domains and asked.max_age >= _PRELOADED):
        return Broken(f"hsts.preload needs includeSubDomains and a maxAge of {_PRELOADED} at least")
    if asked.behind_proxy:
        view.differs(attached.key, "the word of a client that is no trusted proxy does not count: hsts is for TLS only")
    words = (("includeSubDomains", asked.include_sub_domains), ("preload", asked.preload))
    return replace(draft, hsts="; ".join((f"max-age={asked.max_age}", *(word for word, said in words if said))))


def _refused(why: str, instead: str) -> Kind:
    def kind(_: View, __: Attached, ___: Draft) -> Changed:
        return Refused(why, instead)

    return kind


def _left_out(how: str) -> Kind:
    def kind(view: View, attached: Attached, draft: Draft) -> Changed:
        view.differs(attached.key, how)
        return draft

    return kind


KINDS: Mapping[str, Kind] = {
    "access_control": _access,
    "rate_limit": _rate_limit,
    "basic_auth": _basic,
    "jwt": _jwt,
    "api_key": _api_key,
    "ingress_mtls": ingress_mtls.apply,
    "egress_mtls": egress_mtls.apply,
    "oidc": _refused(
        "logging in with OpenID Connect is a conversation that only NGINX Plus has",
        "put a proxy for it before the backend, or ask one by an externalAuth Policy",
    ),
    "oidc_native": _refused(
        "logging in with OpenID Connect is a conversation that only NGINX Plus has",
        "put a proxy for it before the backend, or ask one by an externalAuth Policy",
    ),
    "waf": _refused("F5 WAF for NGINX is a module of NGINX Plus", "put a firewall of your own before the gateway"),
    "external_auth": external_auth.apply,
    "cache": _left_out("answers are not cached"),
    "cors": cors.apply,
    "hsts": _hsts,
}
