"""The externalAuth Policy: a Service decides who may come, and may have a part of the host where people sign in.

It is asked as nginx's auth_request asks: by GET, with the client's headers, under the host's own name. Rule: what
cannot be read or verified makes the Policy unusable; only the way to sign in falls back, to a plain 401.
Source: NGINX Ingress Controller, Policy resources, and its configuration of auth_request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft, SignIn
from isthmus.dialects.ingress.grammar.header_names import fault
from isthmus.dialects.ingress.grammar.nginx_directives import Fault, directives
from isthmus.dialects.ingress.grammar.nginx_variables import parse_question
from isthmus.dialects.ingress.grammar.url_server import UrlServer, url_server
from isthmus.dialects.ingress.nginx_org.attached import Attached, Broken, Changed, Refused, secret_of
from isthmus.dialects.ingress.nginx_org.authorizations import authorized
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View
from isthmus.ir.authorization import Question
from isthmus.ir.backend import Backend, Trust
from isthmus.ir.template import Of, Template, Variable
from isthmus.kube.authorities import parse_authorities
from isthmus.kube.policy_spec import ExternalAuth

_NAME = re.compile(r"(?:([a-z0-9][-a-z0-9]{0,62})/)?([a-z0-9][-a-z0-9.]{0,252})")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,500}")
_SNI = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_USUAL = "/oauth2"  # where people sign in
_DEPTHS = range(1, 101)
_HEADER = "proxy_set_header"


class _Who(NamedTuple):
    """A Service or a Secret."""

    namespace: str
    name: str


def apply(view: View, attached: Attached, draft: Draft) -> Changed:
    """Ask the Service that the Policy names."""
    asked = attached.policy.spec.external_auth
    assert asked is not None
    names = constants(view, draft)
    headers = _headers(asked.auth_snippets, names)
    if isinstance(headers, Refused):
        return headers
    server = _server(view, attached, asked, names)
    if isinstance(server, Broken):
        return server
    assert server.backend is not None  # its host is fixed
    host = headers.pop("host", (Variable(Of.HOST),))
    question = Question(server.backend, host, server.rest, server.tls, set_headers=tuple(headers.items()))
    if not asked.auth_signin_uri:
        return authorized(view, draft, question)
    path = (asked.auth_signin_redirect_base_path or _USUAL).rstrip("/") or "/"
    if not _PATH.fullmatch(path) or not _PATH.fullmatch(asked.auth_signin_uri.partition("?")[0]):
        return Broken("externalAuth.authSigninURI or authSigninRedirectBasePath is no path")
    return _signing_in(view, attached, draft, (question, SignIn(path, server.backend, attached.key)))


def _signing_in(view: View, attached: Attached, draft: Draft, found: tuple[Question, SignIn]) -> Changed:
    """A 401 becomes a redirect to where one signs in, which says where the client wanted to go."""
    question, place = found
    asked = attached.policy.spec.external_auth
    assert asked is not None
    url = asked.auth_signin_uri
    if not f"{url.partition('?')[0]}/".startswith(f"{place.path.rstrip('/')}/"):
        why = f"authSigninURI is not below {place.path}, so clients get a 401; set authSigninRedirectBasePath"
        view.differs(attached.key, why)
        return authorized(view, replace(draft, sign_in=place), question)
    target = parse_question(f"{url}{'&' if '?' in url else '?'}rd=$escaped_request_uri", {})
    if isinstance(target, str):
        return Broken(f"externalAuth.authSigninURI: {target}")
    return authorized(view, replace(draft, sign_in=place), replace(question, sign_in=target))


def _server(view: View, attached: Attached, asked: ExternalAuth, names: Mapping[str, str]) -> UrlServer | Broken:
    """The Service, at its first port unless another one is named, and how its certificate is judged."""
    who = _who(attached, asked.auth_service_name)
    service = view.look.service(*who) if who is not None and view.look is not None else None
    if who is None or service is None:
        return Broken(f"externalAuth: there is no Service {asked.auth_service_name[:200] or '(authServiceName)'}")
    ports = asked.auth_service_ports or tuple(port.port for port in service.spec.ports if port.protocol == "TCP")
    port = ports[0] if ports else 443 if asked.ssl_enabled else 80
    if not asked.auth_uri.startswith("/"):
        return Broken(f"externalAuth.authURI is {asked.auth_uri[:200]!r}, expected a path")
    scheme = "https" if asked.ssl_enabled else "http"
    url = f"{scheme}://{who.name}.{who.namespace}.svc:{port}{asked.auth_uri}"
    server = url_server(url, names, who.namespace, view.look)
    if isinstance(server, str) or server.backend is None:
        return Broken(f"externalAuth: {server if isinstance(server, str) else 'it names no Service'}")
    if not asked.ssl_enabled:
        return server
    backend = _judged(view, attached, asked, server.backend)
    return backend if isinstance(backend, Broken) else server._replace(backend=backend)


def _judged(view: View, attached: Attached, asked: ExternalAuth, backend: Backend) -> Backend | Broken:
    name = asked.sni_name or f"{backend.service.service}.{backend.service.namespace}.svc"
    depth = 1 if asked.ssl_verify_depth is None else asked.ssl_verify_depth
    if not _SNI.fullmatch(name) or depth not in _DEPTHS:
        return Broken("externalAuth.sniName or sslVerifyDepth cannot be read")
    if not asked.ssl_verify:
        return replace(backend, trust=Trust(name=name))
    who = _who(attached, asked.trusted_cert_secret)
    secret = secret_of(view, attached, who.name if who else "", who.namespace if who else "")
    found = secret.reason if isinstance(secret, Broken) else parse_authorities(secret)
    if isinstance(found, str) or found.revoked:
        wrong = found if isinstance(found, str) else "a list of those who were revoked cannot be had for backends"
        return Broken(f"externalAuth.trustedCertSecret: {wrong}")
    return replace(backend, trust=Trust(name=name, ca_pem=found.certificates, depth=depth))


def _who(attached: Attached, written: str) -> _Who | None:
    """A name, or namespace/name; without a namespace it is the Policy's own."""
    found = _NAME.fullmatch(written)
    return _Who(found[1] or attached.policy.metadata.namespace, found[2]) if found else None


def _headers(snippets: str, names: Mapping[str, str]) -> dict[str, Template] | Refused:
    """What authSnippets set on the question: nothing else of them can be had."""
    found = directives(snippets)
    if isinstance(found, Fault):
        return Refused(f"authSnippets, line {found.line}: {found.reason}", "write simple directives only")
    headers: dict[str, Template] = {}
    for each in found:
        if each.name != _HEADER or len(each.args) != 2:
            why = f"authSnippets, line {each.line}: {each.name[:60]} has no equal here"
            return Refused(why, f"write {_HEADER} NAME VALUE only")
        name, value = each.args
        template = parse_question(value, names)
        wrong = (fault(name, value) if name.lower() != "host" else "") or (
            template if isinstance(template, str) else ""
        )
        if wrong or isinstance(template, str):
            return Refused(f"authSnippets, line {each.line}: {name[:60]}: {wrong}", "remove the header")
        headers[name.lower()] = template
    return headers
