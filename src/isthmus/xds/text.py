"""Templates as Envoy writes them: literal text with its percent signs doubled, variables as format commands.

Names in variables come from manifests, so each is checked: only what can stand in a header, cookie or parameter name
gets into a command.
"""

from __future__ import annotations

import re

from isthmus.ir.template import Of, Template, Variable
from isthmus.xds import api

OVERWRITE, APPEND, IF_ABSENT = 2, 0, 1  # HeaderValueOption.HeaderAppendAction

_COMMANDS = {
    Of.SCHEME: "%REQ(X-FORWARDED-PROTO)%",
    Of.HOST: "%REQ(:AUTHORITY)%",
    Of.METHOD: "%REQ(:METHOD)%",
    Of.TARGET: "%REQ(:PATH)%",
    Of.PATH: "%PATH(NQ)%",
    Of.QUERY: "%QUERY_PARAMS(ORIG)%",
    Of.QUERY_MARK: "?",  # alone; with a query it is part of the target
    Of.ESCAPED_TARGET: "%REQ(:PATH)%",  # Envoy has no way to encode it; the authorization helper does
    Of.CLIENT: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    Of.REQUEST_ID: "%REQ(X-REQUEST-ID)%",
    Of.UNIQUE: "%UNIQUE_ID%",
    Of.PROTOCOL: "%PROTOCOL%",
    Of.LOCAL_PORT: "%DOWNSTREAM_LOCAL_PORT%",
    Of.CERTIFICATE: "%DOWNSTREAM_PEER_CERT%",
    Of.CERTIFICATE_SUBJECT: "%DOWNSTREAM_PEER_SUBJECT%",
    Of.CERTIFICATE_ISSUER: "%DOWNSTREAM_PEER_ISSUER%",
    Of.CLIENT_PORT: "%DOWNSTREAM_REMOTE_PORT%",
    Of.LOCAL_ADDRESS: "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
    Of.TLS_VERSION: "%DOWNSTREAM_TLS_VERSION%",
    Of.TLS_CIPHER: "%DOWNSTREAM_TLS_CIPHER%",
    Of.TLS_NAME: "%REQUESTED_SERVER_NAME%",
    Of.FINGERPRINT: "%DOWNSTREAM_PEER_FINGERPRINT_1%",
    Of.ENDPOINT: "%UPSTREAM_REMOTE_ADDRESS%",
    Of.CONNECTION: "%CONNECTION_ID%",
    Of.TIME: "%START_TIME(%Y-%m-%dT%H:%M:%S+00:00)%",
    Of.SECONDS: "%START_TIME(%s.%3f)%",
    Of.ORIGIN: "%REQ(X-FORWARDED-PROTO)%://%REQ(:AUTHORITY)%",
}
_IN_PARTS = "".join(_COMMANDS[part] for part in (Of.PATH, Of.QUERY_MARK, Of.QUERY))  # nginx's $uri$is_args$args
_TOKEN = re.compile(r"[A-Za-z0-9!#$&'*+.^_`|~-]{1,200}")
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,200}")  # a name that means nothing else in a command or an expression


def format_of(template: Template) -> str:
    """The text that Envoy fills for each request; a variable that is absent there becomes nothing."""
    text = "".join(part.replace("%", "%%") if isinstance(part, str) else _command(part) for part in template)
    return text.replace(_IN_PARTS, _COMMANDS[Of.TARGET])


def _command(variable: Variable) -> str:
    if variable.of in _COMMANDS:
        return _COMMANDS[variable.of]
    if _TOKEN.fullmatch(variable.name) is None:
        return ""
    if variable.of is Of.HEADER:
        return f"%REQ({variable.name})%"
    if variable.of is Of.ANSWER_HEADER:
        return f"%RESP({variable.name})%"
    if PLAIN.fullmatch(variable.name) is None:
        return ""
    return f"%QUERY_PARAM({variable.name})%" if variable.of is Of.PARAMETER else f"%CEL({cookie_value(variable.name)})%"


def cookie_value(name: str) -> str:
    """A CEL expression for a cookie's value. The name is PLAIN."""
    pattern = f"(^|.*; *){name.replace('.', '[.]')}=([^;]*).*"
    return f"re.extract(request.headers['cookie'], '{pattern}', '\\\\2')"


def option(name: str, template: Template, action: int = OVERWRITE) -> api.HeaderValueOption:
    """A header to add; nothing is added where the value turns out empty."""
    return api.HeaderValueOption(header={"key": name, "value": format_of(template)}, append_action=action)
