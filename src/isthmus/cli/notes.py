"""What to say beside an answer: that manifests hold errors, that nothing is served, why a request got no further.

Reads what a translation found. Rule: an answer that is wrong only because of a mistake elsewhere says so, in one line.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Sequence

import click

from isthmus.app.offline import Offline, at_least
from isthmus.ir.authorization import Authorization, digest
from isthmus.ir.host import HostConfig
from isthmus.ir.listener import HTTP
from isthmus.ir.template import written
from isthmus.kube.diagnostics import Severity
from isthmus.kube.render import render_text
from isthmus.xds import names
from isthmus.xds.simulate import Request, Verdict, bare_host

NOTHING_SERVED = "nothing is served: no Ingress of a served class has rules"

_SHOWN = 3
_BY_HELPER = re.compile(r" \(policy ([0-9a-f]+)\)")
_ENDINGS = ".yaml, .yml or .json"


def tell_errors(offline: Offline, paths: Sequence[str]) -> None:
    """On standard error: what is missing from the answer because of mistakes, and where to read of them."""
    for each in offline.unread[:_SHOWN]:
        click.echo(f"note: {render_text(each).partition(chr(10))[0]}", err=True)
    errors = len(at_least(offline.findings(), Severity.ERROR))
    if errors:
        what = "1 error is" if errors == 1 else f"{errors} errors are"
        check = shlex.join(["isthmus", "check", *(word for path in paths for word in ("-f", path))])
        click.echo(f"note: {what} in these manifests; see: {check}", err=True)


def nothing_read(offline: Offline, paths: Sequence[str]) -> str:
    """What to say where there was not even a document; empty where there was."""
    if len(offline.store) or any(text.strip() for text in offline.texts.values()):
        return ""
    places = ", ".join("standard input" if path == "-" else path for path in paths)
    return f"nothing to read in {places}; of folders, files that end in {_ENDINGS} are read"


def notes(offline: Offline, request: Request, verdict: Verdict) -> Iterator[str]:
    """Why a request got no further than it did, where that is likely to be a mistake."""
    host = bare_host(request.host).lower()
    found = _served(offline, host)
    refused = verdict.status is None and not verdict.cluster
    if refused and found is None:
        yield _unknown(offline, host)
    elif refused and found is not None:
        if {each.listener for each in _configs(offline, found)} == {HTTP}:
            scheme = "grpc" if request.grpc else "http"
            yield f"{host} is served without TLS only: ask for {scheme}://{request.host}{request.path}"
    elif found is None and verdict.status == 404:
        yield _unknown(offline, host)
    if verdict.cluster and verdict.status is not None and not verdict.endpoints:
        ref = names.service_of(verdict.cluster)
        yield f"to give it addresses: --endpoint {ref.namespace}/{ref.service}:{ref.port}=127.0.0.1:PORT"
    if found is not None and (refused or verdict.status == 503):
        yield from _errors(offline, found)


def _configs(offline: Offline, host: str) -> list[HostConfig]:
    """What a host has routes for."""
    found = offline.pipeline.memo.hosts.get(host)
    return [each for each in found.hosts if each.routes] if found else []


def _served(offline: Offline, host: str) -> str | None:
    """The host among the rules that takes it."""
    wanted = (host, f"*.{host.partition('.')[2]}", "*")
    return next((each for each in wanted if _configs(offline, each)), None)


def _unknown(offline: Offline, host: str) -> str:
    hosts = sorted(name for name in offline.pipeline.memo.hosts if _configs(offline, name))
    close = difflib.get_close_matches(host, hosts, n=1)
    if close:
        return f"no rule names {host}; did you mean {close[0]}?"
    if not hosts:
        return NOTHING_SERVED
    more = f" and {len(hosts) - _SHOWN} more" if len(hosts) > _SHOWN else ""
    return f"no rule names {host}; served are {', '.join(hosts[:_SHOWN])}{more}"


def _errors(offline: Offline, host: str) -> Iterator[str]:
    """The errors of the objects that name a host."""
    refs = {route.origin.ref for config in _configs(offline, host) for route in config.routes}
    for each in at_least(offline.diagnostics(), Severity.ERROR):
        if each.ref in refs:
            yield f"{each.code.id}: {each.message}" + (f" ({each.pos})" if each.pos else "")


def said(offline: Offline, policy: str) -> str:
    """A line about a policy, with what the authorization helper asks for in place of the name that Envoy knows."""
    found = _BY_HELPER.search(policy)
    if found is None:
        return policy
    every = (
        route.policy for host in offline.pipeline.memo.hosts for c in _configs(offline, host) for route in c.routes
    )
    given = (each.authorization for each in every if each.authorization is not None)
    asked = next((each for each in given if digest(each) == found[1]), None)
    return policy if asked is None else policy.replace(found[0], f": {_asked(asked)}")


def _asked(authorization: Authorization) -> str:
    parts = []
    if authorization.allow is not None or authorization.deny:
        parts.append("the client's address")
    if authorization.basic is not None:
        users = len(authorization.basic.users)
        parts.append(f"basic authentication of {users} user{'' if users == 1 else 's'}")
    question = authorization.question
    if question is not None:
        service = question.backend.service if question.backend is not None else None
        whom = f"{service.namespace}/{service.service}:{service.port}" if service else "this gateway"
        parts.append(f"{whom} asked for {written(question.path)}")
    if authorization.jwt is not None:
        parts.append("a JSON web token")
    if authorization.api_keys is not None:
        parts.append("an API key")
    return (" or " if authorization.any_of else " and ").join(parts) or "nobody may come"
