"""auth-url and what goes with it: another server decides who may come (nginx's auth_request).

The controller's ConfigMap may name a server for all Ingresses that do not opt out. Rule: a URL, method, header or
ConfigMap that cannot be used closes the path; what only makes it more comfortable falls back. Source: ingress-nginx,
user guide, "External Authentication" and "Global External Authentication".
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.header_names import fault
from isthmus.dialects.ingress.grammar.nginx_variables import constants, parse_question
from isthmus.dialects.ingress.grammar.url_server import UrlServer, url_server
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx.auth_cache import cache_times
from isthmus.dialects.ingress.view import View
from isthmus.ir.authorization import Authorization, Question
from isthmus.ir.backend import Backend
from isthmus.ir.template import Of, Template, Variable
from isthmus.kube.objects import ref_of

_PREFIX = "nginx.ingress.kubernetes.io/"
URL = _PREFIX + "auth-url"
METHOD = _PREFIX + "auth-method"
SIGN_IN = _PREFIX + "auth-signin"
PARAMETER = _PREFIX + "auth-signin-redirect-param"
PASS_HEADERS = _PREFIX + "auth-response-headers"
SET_HEADERS = _PREFIX + "auth-proxy-set-headers"
REDIRECT_HEADER = _PREFIX + "auth-request-redirect"
ALWAYS_COOKIE = _PREFIX + "auth-always-set-cookie"
CACHE_KEY = _PREFIX + "auth-cache-key"
CACHE_TIME = _PREFIX + "auth-cache-duration"
KEEPALIVE = _PREFIX + "auth-keepalive"
SHARE = _PREFIX + "auth-keepalive-share-vars"
REQUESTS = _PREFIX + "auth-keepalive-requests"
IDLE = _PREFIX + "auth-keepalive-timeout"
GLOBAL = _PREFIX + "enable-global-auth"

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MOST_HEADERS = 100
_PARAMETER = re.compile(r"[A-Za-z0-9._~-]{1,100}")
_REMOTE_USER = re.compile(r"\$(?:remote_user(?![A-Za-z0-9_])|\{remote_user\})", re.IGNORECASE)
_WITH_URL = (METHOD, SIGN_IN, PASS_HEADERS, SET_HEADERS, CACHE_KEY)


def _apply(view: View, draft: Draft) -> Draft:
    reader = _Reader(view, draft)
    url = reader.text(URL)
    if url is None:
        for key in filter(view.given, _WITH_URL):
            view.say(codes.NO_EFFECT, key, why="there is no auth-url, without which nothing is asked")
        return draft
    server = url_server(url, reader.names, view.namespace, view.look)
    if isinstance(server, str):
        view.closed = True
        view.say(codes.AUTH_SERVER_MISSING, URL, server=url[:200], reason=server)
        return draft
    policy = draft.policy
    found = policy.authorization or Authorization(f"{view.namespace}/{view.name}")
    found = replace(found, question=_question(reader, server))
    return replace(draft, policy=replace(policy, authorization=found))


class _Reader:
    """The annotations of the object or, where it has no URL of its own, what the controller's ConfigMap says."""

    def __init__(self, view: View, draft: Draft) -> None:
        self.view = view
        self.names = constants(view.namespace, view.name, draft.service)
        self._own = view.given(URL)
        self._shared = not self._own and view.boolean(GLOBAL, True)

    def text(self, key: str) -> str | None:
        """The value; None when absent."""
        if self._own:
            return self.view.text(key) if self.view.given(key) else None
        return self.view.setting(_SETTINGS[key]) or None if self._shared and key in _SETTINGS else None

    def template(self, key: str, default: Template, text: str | None = None) -> Template:
        """The value with its variables, or what `text` was made of it; one that cannot be read is reported."""
        value = self.text(key) if text is None else text
        if not value:
            return default
        found = parse_question(value, self.names)
        if isinstance(found, str):
            self.view.invalid(key, value[:200], f"text with nginx's variables ({found})")
            return default
        return found


def _question(reader: _Reader, server: UrlServer) -> Question:
    view = reader.view
    headers = _set_headers(reader)
    key = reader.text(CACHE_KEY)
    times = cache_times(reader.text(CACHE_TIME) or "")
    if isinstance(times, str):
        view.invalid(CACHE_TIME, reader.text(CACHE_TIME) or "", times)
        times = ()
    return Question(
        backend=_tuned(view, server.backend) if server.backend is not None else None,
        host=headers.pop("host", server.host),
        path=server.rest,
        tls=server.tls,
        method=_method(reader),
        sign_in=_sign_in(reader),
        redirect_header=reader.template(REDIRECT_HEADER, (Variable(Of.TARGET),)),
        pass_headers=_pass_headers(reader),
        set_headers=tuple(headers.items()),
        cookies_always=_always_cookie(reader),
        # A name that basic authentication gives is in that header, with more beside it that keeps verdicts apart.
        cache_key=reader.template(CACHE_KEY, (), _REMOTE_USER.sub("${http_authorization}", key) if key else None),
        cache_times=times,
    )


def _method(reader: _Reader) -> str:
    value = reader.text(METHOD)
    if value is None or value in _METHODS:
        return value or "GET"
    reader.view.invalid(METHOD, value, f"one of {', '.join(_METHODS)}")
    return "GET"


def _sign_in(reader: _Reader) -> Template:
    """Where to sign in, with the URL that was asked for as one more parameter, unless there is one already."""
    url = reader.text(SIGN_IN)
    if not url:
        return ()
    parameter = reader.text(PARAMETER) or "rd"
    if not _PARAMETER.fullmatch(parameter):
        reader.view.invalid(PARAMETER, parameter, "the name of a query parameter: letters, digits, . _ ~ and -")
        parameter = "rd"
    head, _, query = url.partition("?")
    given = [part for part in query.split("&") if part]
    if not any(part.startswith(f"{parameter}=") and part != f"{parameter}=" for part in given):
        given.append(f"{parameter}=$pass_access_scheme://$http_host$escaped_request_uri")
        url = f"{head}?{'&'.join(given)}"
    found = reader.template(SIGN_IN, (), url)
    first = found[0] if found else ""
    if isinstance(first, Variable) and first.of in (Of.ORIGIN, Of.SCHEME):
        return found
    if isinstance(first, str) and (not found or re.match(r"https?://|/", first, re.IGNORECASE)):
        return found
    reader.view.invalid(SIGN_IN, url[:200], "a URL that begins with http://, https:// or /")
    return ()


def _pass_headers(reader: _Reader) -> tuple[str, ...]:
    value = reader.text(PASS_HEADERS) or ""
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    wrong = next((f"{name[:100]}: {reason}" for name in names if (reason := _fault(name))), "")
    if not wrong and len(names) <= _MOST_HEADERS:
        return names
    reader.view.invalid(PASS_HEADERS, value[:200], f"at most {_MOST_HEADERS} header names between commas ({wrong})")
    return ()


def _set_headers(reader: _Reader) -> dict[str, Template]:
    """The headers of a ConfigMap, by name in lower case; empty, and the path closed, where one cannot be sent."""
    view = reader.view
    if not reader.text(SET_HEADERS):
        return {}
    found = view.config_map(SET_HEADERS)
    if found is None:
        view.closed = True  # reported already
        return {}
    data = found.data or {}
    headers: dict[str, Template] = {}
    reason = f"it has {len(data)} headers, expected at most {_MOST_HEADERS}" if len(data) > _MOST_HEADERS else ""
    for name, value in sorted(data.items()):
        template = parse_question(value, reader.names)
        wrong = _fault(name, value) if name.lower() != "host" else ""
        if wrong or isinstance(template, str):
            reason = reason or f"header {name[:100]}: {wrong or template}"
        else:
            headers[name.lower()] = template
    if reason:
        view.closed = True
        view.say(codes.BROKEN_REFERENCE, SET_HEADERS, kind="ConfigMap", name=ref_of(found), reason=reason)
    return {} if reason else headers


def _fault(name: str, value: str = "") -> str:
    own = name.lower().startswith(("x-envoy-", "x-isthmus-"))
    return "it tells Envoy what to do" if own else fault(name, value)


def _always_cookie(reader: _Reader) -> bool:
    value = reader.text(ALWAYS_COOKIE)
    if value is None or value.lower() in ("1", "t", "true", "0", "f", "false"):
        return (value or "false").lower() in ("1", "t", "true")
    reader.view.invalid(ALWAYS_COOKIE, value, "true or false")
    return False


def _tuned(view: View, backend: Backend) -> Backend:
    """Connections to the server are kept anyway; how often and how long one is used may be said."""
    requests = view.integer(REQUESTS, 0, 0, 1_000_000) if view.given(REQUESTS) else 0
    idle = view.integer(IDLE, 0, 0, 86_400) if view.given(IDLE) else 0
    return replace(backend, requests_per_connection=requests, idle_connection_ms=idle * 1000)


_SETTINGS = {
    key: f"global-{key.removeprefix(_PREFIX)}"
    for key in (URL, METHOD, SIGN_IN, PARAMETER, PASS_HEADERS, REDIRECT_HEADER, ALWAYS_COOKIE, CACHE_KEY, CACHE_TIME)
}
_HELPER = Handling.HELPER

FEATURE = Feature(
    title="External authentication",
    about="Another server decides: it is asked with the client's headers and without the body, by way of Envoy. 2xx "
    "lets in, 401 and 403 are answered, a 401 as a redirect where there is a place to sign in; all else is a 500. "
    "Services of the cluster are reached directly; a URL whose host is $host leads to this gateway itself, in clear "
    "where the host has no TLS. The ConfigMap's global-auth-* settings are for every Ingress without an auth-url of "
    "its own.",
    annotations=(
        Annotation(
            URL,
            "URL, with variables in path and query; its host may be $host",
            "none",
            _HELPER,
            "Client headers that tell where a request came from (X-Forwarded-*, ssl-client-*), conditions (If-*) and "
            "ranges are not passed on; other variables in the host, and addresses of the gateway's own machine, close "
            "the path; it is asked by GET, as in nginx",
            restricts=True,
            setting=_SETTINGS[URL],
        ),
        Annotation(METHOD, ", ".join(_METHODS), "GET", _HELPER, "", restricts=True, setting=_SETTINGS[METHOD]),
        Annotation(
            SIGN_IN,
            "URL, with variables",
            "none: a 401",
            _HELPER,
            "gRPC callers get UNAUTHENTICATED in place of the redirect",
            setting=_SETTINGS[SIGN_IN],
        ),
        Annotation(PARAMETER, "name of a query parameter", "rd", _HELPER, setting=_SETTINGS[PARAMETER]),
        Annotation(
            PASS_HEADERS,
            "header names between commas",
            "none",
            _HELPER,
            "names that frame a message, such as Content-Length, close the path",
            restricts=True,
            setting=_SETTINGS[PASS_HEADERS],
        ),
        Annotation(
            SET_HEADERS,
            "name of a ConfigMap, in the Ingress's own namespace",
            "none",
            _HELPER,
            "a header with a variable that is not known closes the path",
            restricts=True,
        ),
        Annotation(
            REDIRECT_HEADER, "text, with variables", "$request_uri", _HELPER, setting=_SETTINGS[REDIRECT_HEADER]
        ),
        Annotation(ALWAYS_COOKIE, "true or false", "false", _HELPER, setting=_SETTINGS[ALWAYS_COOKIE]),
        Annotation(
            CACHE_KEY,
            "text, with variables",
            "none: nothing is kept",
            _HELPER,
            "kept in the helper's memory, 4,096 verdicts at most; $remote_user counts as $http_authorization",
            setting=_SETTINGS[CACHE_KEY],
        ),
        Annotation(
            CACHE_TIME,
            "statuses and a time, several between commas",
            "200 202 401 5m",
            _HELPER,
            "an answer with an Expires header is not kept",
            restricts=True,
            setting=_SETTINGS[CACHE_TIME],
        ),
        Annotation(KEEPALIVE, "number", "0", Handling.NO_EFFECT, "Envoy keeps connections to the server by itself"),
        Annotation(
            SHARE, "true or false", "false", Handling.NO_EFFECT, "requests and questions share variables anyway"
        ),
        Annotation(REQUESTS, "number, 0 is no limit", "1000", Handling.DIFFERS, "without it there is no limit"),
        Annotation(IDLE, "seconds", "60", Handling.DIFFERS, "without it Envoy's hour"),
        Annotation(GLOBAL, "true or false", "true", _HELPER),
    ),
    apply=_apply,
)
