"""The request that is judged, as Envoy describes it, and templates filled from it.

May not know what is decided. Rule: what a client sent stays data: a filled text may hold anything that a header may,
and whoever puts it elsewhere (into a path) encodes it there.
"""

from __future__ import annotations

import urllib.parse
import uuid
from collections.abc import Mapping
from typing import NamedTuple, assert_never

from isthmus.edge.authorization import certificate
from isthmus.ir.template import Of, Template, Variable


class Request(NamedTuple):
    """`target` is path and query as sent, `authority` the host with its port, `certificate` URL-encoded PEM.
    `place` is the rule that the request has met.

    Headers have names in lower case; several of one name are one, with commas (cookies: semicolons) between.
    """

    method: str
    target: str
    authority: str
    headers: Mapping[str, str]
    client: str = ""
    scheme: str = "http"
    protocol: str = "HTTP/1.1"
    local_port: int = 0
    certificate: str = ""
    place: str = ""

    @property
    def host(self) -> str:
        """Without the port, in lower case."""
        host, mark, port = self.authority.rpartition(":")
        return (host if mark and port.isdigit() else self.authority).lower()

    @property
    def origin(self) -> str:
        """scheme://host[:port]."""
        return f"{self.scheme}://{self.authority}"

    @property
    def speaks_grpc(self) -> bool:
        """Whether the caller reads statuses and no redirects."""
        return self.headers.get("content-type", "").startswith("application/grpc")


def fill(template: Template, request: Request) -> str:
    """The text for this request; a variable that is absent becomes nothing."""
    return "".join(part if isinstance(part, str) else _value(part, request) for part in template)


def _value(variable: Variable, request: Request) -> str:
    of = variable.of
    if of is Of.HEADER:
        return request.headers.get(variable.name, "")
    if of is Of.COOKIE:
        return _cookie(request.headers.get("cookie", ""), variable.name)
    if of is Of.PARAMETER:
        return _parameter(_query(request), variable.name)
    if of in (Of.CERTIFICATE, Of.CERTIFICATE_SUBJECT, Of.CERTIFICATE_ISSUER):
        return _of_certificate(of, request.certificate)
    return _of_request(of, request)


def _of_request(of: Of, request: Request) -> str:  # noqa: C901 - one line for each variable
    match of:
        case Of.ORIGIN:
            return request.origin
        case Of.SCHEME:
            return request.scheme
        case Of.HOST:
            return request.host
        case Of.METHOD:
            return request.method
        case Of.TARGET:
            return request.target
        case Of.ESCAPED_TARGET:
            return urllib.parse.quote(request.target, safe="")
        case Of.PATH:
            return request.target.partition("?")[0]
        case Of.QUERY:
            return _query(request)
        case Of.QUERY_MARK:
            return "?" if _query(request) else ""
        case Of.CLIENT:
            return request.client
        case Of.REQUEST_ID:
            return request.headers.get("x-request-id", "")
        case Of.UNIQUE:
            return uuid.uuid4().hex
        case Of.PROTOCOL:
            return request.protocol
        case Of.LOCAL_PORT:
            return str(request.local_port)
        case Of.ANSWER_HEADER:
            return ""  # there is no answer yet
        case Of.CLIENT_PORT | Of.LOCAL_ADDRESS | Of.CONNECTION | Of.ENDPOINT | Of.TIME | Of.SECONDS:
            return ""  # no question has one: see BY_ENVOY
        case Of.TLS_VERSION | Of.TLS_CIPHER | Of.TLS_NAME | Of.FINGERPRINT:
            return ""
        case Of.HEADER | Of.COOKIE | Of.PARAMETER | Of.CERTIFICATE | Of.CERTIFICATE_SUBJECT | Of.CERTIFICATE_ISSUER:
            raise AssertionError(of)  # see _value
        case _:
            assert_never(of)


def _of_certificate(of: Of, encoded: str) -> str:
    if of is Of.CERTIFICATE or not encoded:
        return encoded
    names = certificate.names(encoded)
    return names.subject if of is Of.CERTIFICATE_SUBJECT else names.issuer


def _query(request: Request) -> str:
    return request.target.partition("?")[2]


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        found, mark, value = part.strip().partition("=")
        if mark and found == name:
            return value
    return ""


def _parameter(query: str, name: str) -> str:
    for part in query.split("&"):
        found, mark, value = part.partition("=")
        if mark and found == name:
            return value
    return ""
