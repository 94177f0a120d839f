"""From a policy and a request to a verdict: which checks are made, in which order, and what they make together.

nginx's order (addresses, password, question) and its rules: with `any_of` the first that lets in ends it, a 401 counts
for more than a 403, and what is neither is answered at once. Rule: nothing passes that no check let pass.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from typing import NamedTuple

from isthmus.edge.authorization import keys, question
from isthmus.edge.authorization.basic import challenge, credentials
from isthmus.edge.authorization.egress import Send
from isthmus.edge.authorization.passwords import BusyError, Passwords
from isthmus.edge.authorization.policies import Policy
from isthmus.edge.authorization.request import Request
from isthmus.edge.authorization.verdict import (
    FORBIDDEN,
    INTERNAL,
    UNAUTHORIZED,
    UNAVAILABLE,
    Denied,
    Granted,
    Verdict,
)
from isthmus.edge.authorization.verdicts import Verdicts
from isthmus.ir.authorization import BasicAuth, Question
from isthmus.xds import names


class Means(NamedTuple):
    """What checks are made with."""

    passwords: Passwords
    verdicts: Verdicts
    send: Send


async def decide(policy: Policy, request: Request, means: Means) -> Verdict:
    """Whether the request passes."""
    try:
        together = _any if policy.authorization.any_of else _all
        verdict = await together(_checks(policy, request, means))
    except BusyError:
        return Denied(UNAVAILABLE, "too many passwords to judge; try again")
    asked = policy.authorization.question
    if isinstance(verdict, Granted):
        return _cleaned(policy, verdict)
    if verdict.status == UNAUTHORIZED and asked is not None and asked.sign_in:
        return question.sign_in(asked, request, verdict)
    return verdict


async def _checks(policy: Policy, request: Request, means: Means) -> AsyncIterator[Verdict | None]:
    """Each check as far as it is asked for; None is one that has no opinion."""
    wanted = policy.authorization
    if policy.allow is not None or policy.deny:
        yield address(policy, request.client)
    if wanted.basic is not None:
        yield await _password(wanted.basic, policy, request, means.passwords)
    if wanted.question is not None:
        yield await _answer(wanted.question, policy, request, means)
    if wanted.jwt is not None:
        yield keys.token(wanted.jwt, policy.keys, request)
    if wanted.api_keys is not None:
        yield keys.api_key(wanted.api_keys, request)


async def _all(checks: AsyncIterator[Verdict | None]) -> Verdict:
    together: Granted | None = None
    async for verdict in checks:
        if isinstance(verdict, Denied):
            return verdict
        if verdict is not None:
            together = verdict if verdict.headers or verdict.cookies or together is None else together
    return together or Denied(UNAVAILABLE, "this path's policy asks for nothing")


async def _any(checks: AsyncIterator[Verdict | None]) -> Verdict:
    worst: Denied | None = None
    async for verdict in checks:
        if isinstance(verdict, Granted):
            return verdict
        if verdict is None:
            continue
        if verdict.status not in (UNAUTHORIZED, FORBIDDEN):
            return verdict
        if worst is None or worst.status == FORBIDDEN:
            worst = verdict
        elif verdict.status == UNAUTHORIZED:
            worst = worst._replace(headers=(*worst.headers, *verdict.headers))
    return worst or Denied(FORBIDDEN, "access denied")


def address(policy: Policy, client: str) -> Verdict | None:
    """What the client's address says: denied ranges first; without allowed ones the other checks decide."""
    try:
        found = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return Denied(FORBIDDEN, "access denied")
    found = getattr(found, "ipv4_mapped", None) or found
    if any(found in network for network in policy.deny):
        return Denied(FORBIDDEN, "access denied")
    if policy.allow is None:
        return None if policy.authorization.any_of else Granted()
    return Granted() if any(found in network for network in policy.allow) else Denied(FORBIDDEN, "access denied")


async def _password(basic: BasicAuth, policy: Policy, request: Request, passwords: Passwords) -> Verdict:
    given = credentials(request.headers.get("authorization", ""))
    if given is None or not policy.users or not await passwords.right(policy.users, given):
        return challenge(basic.realm)
    return Granted()


async def _answer(asked: Question, policy: Policy, request: Request, means: Means) -> Verdict:
    kept = means.verdicts.find(policy.authorization, asked, request)
    if kept is not None:
        return question.judge(asked, kept)
    if question.depth(request) >= question.MOST_DEEP:
        return Denied(INTERNAL, "the authorization server is behind its own authorization")
    own = names.OWN_HTTPS if asked.tls else names.OWN_HTTP
    cluster = names.cluster(asked.backend) if asked.backend is not None else own
    answer = await means.send(cluster, question.ask(asked, request))
    if answer is not None:
        means.verdicts.keep(policy.authorization, asked, request, answer)
    return question.judge(asked, answer)


def _cleaned(policy: Policy, granted: Granted) -> Granted:
    """Passwords are for the gateway, and headers that the server gives are nobody else's to give: both go away."""
    wanted = policy.authorization
    away = ["authorization"] if wanted.basic is not None else []
    away += question.removed(wanted.question.pass_headers) if wanted.question is not None else ()
    given = {name.lower() for name, _ in granted.headers}
    return granted._replace(remove=tuple(name for name in dict.fromkeys(away) if name not in given))
