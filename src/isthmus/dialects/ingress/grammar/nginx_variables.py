"""nginx's `$variables` in values of annotations, as a Template: `$name` and `${name}`, names in any case.

Knows nginx's grammar and which variables have an equal here. A text with any other variable is no template: the
reason is returned, so that nothing is ever sent half filled. nginx has no escape for a dollar sign, nor has this.
Source: nginx, ngx_http_script.c and the list of variables of ngx_http_core_module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from isthmus.dialects.services import closest
from isthmus.ir.template import BY_ENVOY, Of, Template, Variable

_LONGEST = 8_192  # characters; Envoy takes 16,384 bytes as a header's value
_MOST = 50  # variables
# The first way is a URL's beginning, whose port only both variables together can tell.
_DOLLAR = re.compile(
    r"(?P<origin>\$(?:scheme|pass_access_scheme)://\$(?:best_)?http_host(?![A-Za-z0-9_]))"
    r"|\$(?:\{(?P<braced>[A-Za-z0-9_]+)\}|(?P<group>[1-9])|(?P<bare>[A-Za-z0-9_]+))?",
    re.IGNORECASE,
)
_BAD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_SAME = {  # variables without a name in them
    "args": Of.QUERY,
    "best_http_host": Of.HOST,
    "binary_remote_addr": Of.CLIENT,
    "connection": Of.CONNECTION,
    "document_uri": Of.PATH,
    "escaped_request_uri": Of.ESCAPED_TARGET,
    "host": Of.HOST,
    "http_host": Of.HOST,
    "is_args": Of.QUERY_MARK,
    "msec": Of.SECONDS,
    "pass_access_scheme": Of.SCHEME,
    "pass_port": Of.LOCAL_PORT,
    "pass_server_port": Of.LOCAL_PORT,
    "proxy_protocol_addr": Of.CLIENT,
    "query_string": Of.QUERY,
    "realip_remote_addr": Of.CLIENT,
    "remote_addr": Of.CLIENT,
    "remote_port": Of.CLIENT_PORT,
    "req_id": Of.REQUEST_ID,
    "request_id": Of.REQUEST_ID,
    "request_method": Of.METHOD,
    "request_uri": Of.TARGET,
    "scheme": Of.SCHEME,
    "server_addr": Of.LOCAL_ADDRESS,
    "server_name": Of.HOST,
    "server_port": Of.LOCAL_PORT,
    "server_protocol": Of.PROTOCOL,
    "ssl_cipher": Of.TLS_CIPHER,
    "ssl_client_cert": Of.CERTIFICATE,
    "ssl_client_escaped_cert": Of.CERTIFICATE,
    "ssl_client_fingerprint": Of.FINGERPRINT,
    "ssl_client_i_dn": Of.CERTIFICATE_ISSUER,
    "ssl_client_s_dn": Of.CERTIFICATE_SUBJECT,
    "ssl_protocol": Of.TLS_VERSION,
    "ssl_server_name": Of.TLS_NAME,
    "the_real_ip": Of.CLIENT,
    "time_iso8601": Of.TIME,
    "upstream_addr": Of.ENDPOINT,
    "uri": Of.PATH,
}
_HEADERS = {  # variables that are a header of the request by another name
    "content_length": "content-length",
    "content_type": "content-type",
    "proxy_add_x_forwarded_for": "x-forwarded-for",  # to which Envoy has added the client by then
}
_FAMILIES = {  # beginnings, and what is named by the rest
    "http_": Of.HEADER,
    "sent_http_": Of.ANSWER_HEADER,
    "upstream_http_": Of.ANSWER_HEADER,
    "cookie_": Of.COOKIE,
    "arg_": Of.PARAMETER,
}
_NOT_HERE = (  # nginx has them, and nobody can fill them here
    "body_bytes_sent bytes_received bytes_sent connection_requests connection_time document_root hostname https "
    "limit_rate nginx_version pid pipe proxy_host proxy_port proxy_protocol_port proxy_protocol_server_addr "
    "proxy_protocol_server_port realpath_root realip_remote_port remote_user request request_body "
    "request_body_file request_completion request_filename request_length request_time ssl_ciphers "
    "ssl_client_raw_cert ssl_client_serial ssl_client_v_end ssl_client_v_remain ssl_client_v_start "
    "ssl_client_verify ssl_curves ssl_early_data ssl_session_id ssl_session_reused status time_local "
    "upstream_cache_status upstream_connect_time upstream_response_time upstream_status"
)


def parse(text: str, names: Mapping[str, str]) -> Template | str:
    """The template that a text is, or the reason why it is none.

    `names` are the variables that are the same for every request of the place, such as `namespace`.
    """
    if len(text) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    if _BAD.search(text):
        return "control characters cannot be in it"
    found = list(_DOLLAR.finditer(text))
    if len(found) > _MOST:
        return f"more than {_MOST} variables"
    parts: list[str | Variable] = []
    end = 0
    for each in found:
        name = each["braced"] or each["bare"] or ""
        if not name and not each["origin"]:
            return _without_name(each)
        value = Variable(Of.ORIGIN) if each["origin"] else _value(name, names)
        if value is None:
            return _unknown(name, names)
        parts += [text[end : each.start()], value]
        end = each.end()
    return tuple(_joined([*parts, text[end:]]))


def parse_question(text: str, names: Mapping[str, str]) -> Template | str:
    """The same for what somebody else than Envoy fills, who knows less of the connection."""
    found = parse(text, names)
    parts = () if isinstance(found, str) else found
    odd = next((part for part in parts if isinstance(part, Variable) and part.of in BY_ENVOY), None)
    return found if odd is None else f"the {odd.of.value} cannot be told to another server"


def _without_name(found: re.Match[str]) -> str:
    if found["group"]:
        return f"${found['group']} is a group of a regular expression, and there is none here"
    return f"the $ at character {found.start() + 1} has no name after it"


def _value(name: str, names: Mapping[str, str]) -> str | Variable | None:
    """What stands in the variable's place; None for those that are not known."""
    lower = name.lower()
    if lower in names:
        return names[lower]
    if lower in _SAME:
        return Variable(_SAME[lower])
    if lower in _HEADERS:
        return Variable(Of.HEADER, _HEADERS[lower])
    for start, of in _FAMILIES.items():
        rest = name[len(start) :]
        if lower.startswith(start) and rest:
            header = of in (Of.HEADER, Of.ANSWER_HEADER)
            return Variable(of, rest.lower().replace("_", "-") if header else rest)
    return None


def _unknown(name: str, names: Mapping[str, str]) -> str:
    short = name[:60]
    if name.lower() in _NOT_HERE.split():
        return f"${short} has no equal in Envoy"
    known = [*_SAME, *_HEADERS, *names, *(f"{start}NAME" for start in _FAMILIES)]
    return f"there is no variable ${short}{closest(name.lower(), known)}"


def _joined(parts: list[str | Variable]) -> Iterator[str | Variable]:
    """Neighbouring texts made one, empty ones left out."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text


def constants(namespace: str, ingress: str, service: str) -> dict[str, str]:
    """The variables that ingress-nginx sets for a path, as far as they are known before its port is."""
    return {"namespace": namespace, "ingress_name": ingress, "service_name": service}
