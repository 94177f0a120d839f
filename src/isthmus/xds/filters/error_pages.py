"""Error pages: answers with some statuses are replaced by what another backend answers.

Envoy asks again under a path of our own, for which the host has a route to that backend. Whose status the client gets
is the pages' word. gRPC is left alone: its errors are answers with status 200.
"""

from __future__ import annotations

import hashlib

import msgspec

from isthmus.ir.policy import ErrorPages
from isthmus.ir.template import Of, Variable
from isthmus.xds import api, names
from isthmus.xds.forwarded import FORWARDED
from isthmus.xds.header_edits import edit_request
from isthmus.xds.text import option

_PREFIX = "/.isthmus/errors/"
_CODE, _ORIGINAL = "x-code", "x-original-uri"  # written here: who asks for the page knows neither


def error_pages(pages: ErrorPages) -> api.Any:
    """The filter: which statuses, and the path to ask under."""
    status = {"name": "status", "typed_config": api.pack(api.StatusCodeInput())}
    matchers = [
        {
            "predicate": {"single_predicate": {"input": status, "value_match": {"exact": str(each)}}},
            "on_match": {"action": {"name": "page", "typed_config": _page(pages, each)}},
        }
        for each in sorted(set(pages.statuses))
    ]
    return api.pack(api.CustomResponse(custom_response_matcher={"matcher_list": {"matchers": matchers}}))


def _page(pages: ErrorPages, status: int) -> api.Any:
    redirect = api.ErrorRedirect(redirect_action={"path_redirect": path_of(pages)})
    redirect.request_headers_to_add.add(header={"key": _CODE, "value": str(status)}, append_action=2)
    if pages.keep_status:
        redirect.status_code.value = status
    return api.pack(redirect)


def path_of(pages: ErrorPages) -> str:
    """The path under which the host answers with the pages."""
    return _PREFIX + hashlib.sha256(msgspec.msgpack.encode(pages)).hexdigest()[:16]


def page_route(pages: ErrorPages) -> api.Route:
    """The route to the backend of the pages."""
    message = api.Route(name="error-pages", match={"path": path_of(pages)})
    # Envoy asks with GET. Anything else is a client's own request, which the host's other routes judge.
    message.match.headers.add(name=":method", string_match={"exact": "GET"})
    message.route.cluster = names.cluster(pages.backend)
    message.route.timeout.FromSeconds(60)
    message.route.regex_rewrite.pattern.regex = ".*"
    message.route.regex_rewrite.substitution = pages.path
    edit_request(message, FORWARDED)
    edit_request(message, [edit for edit in pages.headers if edit.name.lower() not in (_CODE, _ORIGINAL)])
    return message


def original_path() -> api.Any:
    """A filter that keeps the path that was asked for: by the time a page is fetched it is another."""
    mutations = {"request_mutations": [{"append": option(_ORIGINAL, (Variable(Of.TARGET),))}]}
    return api.pack(api.HeaderMutation(mutations=mutations))
