"""Error pages: answers with some statuses are replaced by what another backend answers.

Envoy asks again under a path of our own, for which the host has a route to that backend; for wildcard hosts, which
Envoy finds by a mark on the request alone, under a host of our own too. The path is made with a secret of this
gateway: nobody who guesses may see a page past what its host asks of clients. Whose status the client gets is the
pages' word. gRPC is left alone: its errors are answers with status 200.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from isthmus.ir.policy import ErrorPages, HeaderEdit
from isthmus.ir.template import Of, Variable
from isthmus.xds import api, names
from isthmus.xds.forwarded import FORWARDED
from isthmus.xds.header_edits import edit_request
from isthmus.xds.text import OVERWRITE, option

PREFIX = "/.isthmus/errors/"
_CODE, _ORIGINAL = "x-code", "x-original-uri"  # written here: who asks for the page knows neither
_HOST = "x-isthmus-host"  # the request's own, where pages are asked under another


class Inside(Struct, frozen=True):
    """Where a gateway asks itself for pages: a secret of its own, and the host, empty for the request's."""

    secret: str = ""
    host: str = ""


OUTSIDE = Inside()


def error_pages(pages: ErrorPages, inside: Inside) -> api.Any:
    """The filter: which statuses, and the path to ask under."""
    status = {"name": "status", "typed_config": api.pack(api.StatusCodeInput())}
    matchers = [
        {
            "predicate": {"single_predicate": {"input": status, "value_match": {"exact": str(each)}}},
            "on_match": {"action": {"name": "page", "typed_config": _page(pages, each, inside)}},
        }
        for each in sorted(set(pages.statuses))
    ]
    return api.pack(api.CustomResponse(custom_response_matcher={"matcher_list": {"matchers": matchers}}))


def _page(pages: ErrorPages, status: int, inside: Inside) -> api.Any:
    where = {"path_redirect": path_of(pages, inside), "host_redirect": inside.host}
    redirect = api.ErrorRedirect(redirect_action=where)
    redirect.request_headers_to_add.add(header={"key": _CODE, "value": str(status)}, append_action=OVERWRITE)
    if pages.keep_status:
        redirect.status_code.value = status
    return api.pack(redirect)


def path_of(pages: ErrorPages, inside: Inside) -> str:
    """The path under which the host answers with the pages."""
    return PREFIX + hmac.new(inside.secret.encode(), msgspec.msgpack.encode(pages), hashlib.sha256).hexdigest()[:32]


def page_route(pages: ErrorPages, inside: Inside) -> api.Route:
    """The route to the backend of the pages."""
    message = api.Route(name="error-pages", match={"path": path_of(pages, inside)})
    # Envoy asks with GET. Anything else is a client's own request, which the host's other routes judge.
    message.match.headers.add(name=":method", string_match={"exact": "GET"})
    message.route.cluster = names.cluster(pages.backend)
    message.route.timeout.FromSeconds(60)
    message.route.regex_rewrite.pattern.regex = ".*"
    message.route.regex_rewrite.substitution = pages.path
    if inside.host:
        message.route.host_rewrite_header = _HOST
    edit_request(message, [_with_own_host(edit) if inside.host else edit for edit in FORWARDED])
    edit_request(message, [edit for edit in pages.headers if edit.name.lower() not in (_CODE, _ORIGINAL)])
    return message


def _with_own_host(edit: HeaderEdit) -> HeaderEdit:
    own = Variable(Of.HEADER, _HOST)
    return replace(edit, value=tuple(own if part == Variable(Of.HOST) else part for part in edit.value))


def original(inside: Inside) -> api.Any:
    """A filter that keeps what was asked for: by the time a page is fetched it is another path, perhaps of another
    host."""
    kept = [option(_ORIGINAL, (Variable(Of.TARGET),))]
    if inside.host:
        kept.append(option(_HOST, (Variable(Of.HOST),)))
    return api.pack(api.HeaderMutation(mutations={"request_mutations": [{"append": each} for each in kept]}))
