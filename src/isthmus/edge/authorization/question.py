"""A question to another server: what it is asked for a request, and what its answer means.

Pure: how the question travels is egress.py's business. The client's headers go along, without its body, and those that
tell where a request came from are written anew, so that no client can tell the server something about itself. Sources:
ingress-nginx's template, nginx's ngx_http_auth_request_module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from isthmus.edge.authorization.request import Request, fill
from isthmus.edge.authorization.verdict import FORBIDDEN, INTERNAL, UNAUTHORIZED, Denied, Granted, Headers, Verdict
from isthmus.ir.authorization import Question

DEPTH = "x-isthmus-asked"  # how many questions led to a request; a server that asks itself would never end
MOST_DEEP = 3
_SENT_FROM = "nginx-ingress-controller"  # servers may look for it
_NOT_PASSED = (
    "connection content-length expect host http2-settings keep-alive proxy-authenticate proxy-connection te trailer "
    "transfer-encoding upgrade "  # of the connection, or of the body
    "if-match if-modified-since if-none-match if-range if-unmodified-since range"  # conditions for another answer
)
_ENVOY = ("x-isthmus-", "x-envoy-", ":")  # they would tell Envoy what to do
_TRUSTED = ("x-forwarded-", "ssl-client-")  # servers believe them
_UNSAFE = re.compile(r"[^!\"$-~]")  # in a path, beside what may stand there: # would end it
_VISIBLE = re.compile("[\x00-\x1f\x7f]")
_MOST_COOKIES = 32


class Ask(NamedTuple):
    """An HTTP request without a body. `path` is encoded as it goes onto the wire; header names are in lower case."""

    method: str
    host: str
    path: str
    headers: Headers


class Answer(NamedTuple):
    """The answer's head; names in lower case, several of one name are several."""

    status: int
    headers: Headers

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for found, value in self.headers if found == name]


def ask(question: Question, request: Request) -> Ask:
    """What the server is asked."""
    headers = {name: value for name, value in request.headers.items() if _passes(name)}
    headers |= {
        "x-original-url": request.origin + request.target,
        "x-original-method": request.method,
        "x-sent-from": _SENT_FROM,
        "x-real-ip": request.client,
        "x-forwarded-for": request.client,
        "x-auth-request-redirect": fill(question.redirect_header, request),
        "x-original-uri": request.target,
        "x-scheme": request.scheme,
    }
    said = ((name.lower(), fill(value, request)) for name, value in question.set_headers)
    headers |= {name: value for name, value in said if not name.startswith(_ENVOY)}
    headers[DEPTH] = str(depth(request) + 1)
    sent = tuple((name, _VISIBLE.sub("", value)) for name, value in headers.items() if value)
    path = _UNSAFE.sub(_encoded, fill(question.path, request))
    return Ask(question.method, fill(question.host, request), path if path.startswith("/") else f"/{path}", sent)


def depth(request: Request) -> int:
    """How many questions led to this request. A client that sends the header itself is refused the sooner."""
    value = request.headers.get(DEPTH, "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 3 else MOST_DEEP


def judge(question: Question, answer: Answer | None) -> Verdict:
    """What an answer means; None is no answer at all."""
    if answer is None:
        return Denied(INTERNAL, "the authorization server does not answer")
    cookies = tuple(answer.all("set-cookie")[:_MOST_COOKIES])
    if 200 <= answer.status < 300:
        passed = tuple((name, ", ".join(answer.all(name.lower()))) for name in question.pass_headers)
        return Granted(
            headers=tuple((name, value) for name, value in passed if value),
            cookies=cookies,
            always=question.cookies_always,
        )
    if answer.status not in (UNAUTHORIZED, FORBIDDEN):
        return Denied(INTERNAL, f"the authorization server answered {answer.status}")
    # A redirect to where one signs in takes the cookies along, like every answer that is no error.
    kept = tuple(("set-cookie", each) for each in cookies) if question.cookies_always or question.sign_in else ()
    if answer.status == FORBIDDEN:
        return Denied(FORBIDDEN, "access denied", kept if question.cookies_always else ())
    challenges = tuple(("www-authenticate", each) for each in answer.all("www-authenticate"))
    return Denied(UNAUTHORIZED, "authorization required", (*challenges, *kept))


def sign_in(question: Question, request: Request, denied: Denied) -> Denied:
    """A 401 as a redirect to where one signs in. gRPC callers follow none, so theirs stays as it is."""
    if request.speaks_grpc:
        return denied
    location = re.sub(r"[^!-~]", _encoded, fill(question.sign_in, request))
    cookies = tuple(header for header in denied.headers if header[0] == "set-cookie")
    return Denied(302, "", (("location", location), *cookies))


def removed(pass_headers: Sequence[str]) -> tuple[str, ...]:
    """Headers that only the server may give: what a client says in them never reaches the backend."""
    return tuple(name.lower() for name in pass_headers)


def _passes(name: str) -> bool:
    return name not in _NOT_PASSED.split() and not name.startswith((*_ENVOY, *_TRUSTED))


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))
