"""Text with places that each request fills: what nginx writes with `$variables`, neutral and typed.

A Template is a tuple of literal text and Variables. Literal text never becomes a variable again, whatever it holds.
"""

from __future__ import annotations

import enum

from msgspec import Struct


class Of(enum.Enum):
    """What a variable takes from a request."""

    ORIGIN = "origin"  # scheme://host[:port] as the client sees it; settled per listener
    SCHEME = "scheme"
    HOST = "host"  # without a port
    METHOD = "method"
    TARGET = "target"  # path and query as sent
    ESCAPED_TARGET = "escaped-target"  # the same, percent-encoded as the value of a query parameter is
    PATH = "path"  # without the query
    QUERY = "query"  # without the question mark
    QUERY_MARK = "query-mark"  # the question mark, where there is a query
    CLIENT = "client"  # the client's IP address
    REQUEST_ID = "request-id"
    UNIQUE = "unique"  # a new identifier for each request
    PROTOCOL = "protocol"  # HTTP/1.1, HTTP/2
    LOCAL_PORT = "local-port"
    CERTIFICATE = "certificate"  # the client's, URL-encoded PEM
    CERTIFICATE_SUBJECT = "certificate-subject"
    CERTIFICATE_ISSUER = "certificate-issuer"
    # what only Envoy can tell
    CLIENT_PORT = "client-port"
    LOCAL_ADDRESS = "local-address"
    TLS_VERSION = "tls-version"
    TLS_CIPHER = "tls-cipher"
    TLS_NAME = "tls-name"  # that the client asked for
    FINGERPRINT = "fingerprint"  # SHA-1 of the client's certificate
    ENDPOINT = "endpoint"  # address and port of who answered; empty before
    CONNECTION = "connection"  # the number of the client's
    TIME = "time"  # when the request came, as ISO 8601
    SECONDS = "seconds"  # the same, since 1970
    # what wants a name
    HEADER = "header"
    ANSWER_HEADER = "answer-header"  # of the backend's answer
    COOKIE = "cookie"
    PARAMETER = "parameter"


BY_ENVOY = frozenset(
    {
        Of.CLIENT_PORT,
        Of.LOCAL_ADDRESS,
        Of.TLS_VERSION,
        Of.TLS_CIPHER,
        Of.TLS_NAME,
        Of.FINGERPRINT,
        Of.ENDPOINT,
        Of.CONNECTION,
        Of.TIME,
        Of.SECONDS,
    }
)


class Variable(Struct, frozen=True, order=False, gc=False):
    """One place to fill; `name` is the header's, cookie's or query parameter's (lower case for headers)."""

    of: Of
    name: str = ""


Template = tuple[str | Variable, ...]


def literal(template: Template) -> str | None:
    """The text of a template that has no variables; None for others."""
    return "".join(part for part in template if isinstance(part, str)) if is_literal(template) else None


def is_literal(template: Template) -> bool:
    """Whether every request gives the same text."""
    return all(isinstance(part, str) for part in template)


def written(template: Template) -> str:
    """For people: variables in braces."""
    return "".join(part if isinstance(part, str) else f"{{{_name(part)}}}" for part in template)


def _name(variable: Variable) -> str:
    return f"{variable.of.value} {variable.name}".strip()
