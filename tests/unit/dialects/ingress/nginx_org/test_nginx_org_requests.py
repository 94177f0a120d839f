"""NGINX Inc's annotations about requests and answers: paths, redirects, headers, error pages, snippets."""

from __future__ import annotations

import pytest
from nginx_org_drafts import HOSTILE, drafted

from isthmus.dialects.ingress.draft import PathKind
from isthmus.ir.action import SendTo
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.policy import Edit, ErrorPages, HeaderEdit, HeaderRewrite, SourceRanges
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import Meta, Service, ServicePort, ServiceSpec

N = "nginx.org/"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("case_sensitive", PathKind.REGEX),
        ("case_insensitive", PathKind.REGEX_ANY_CASE),
        ("exact", PathKind.EXACT),
    ],
)
def test_path_kinds(value: str, expected: PathKind) -> None:
    draft, found = drafted({N + "path-regex": value})
    assert (draft.path_kind, found) == (expected, ())


@pytest.mark.parametrize("value", [*HOSTILE, "regex", "true"])
def test_path_kinds_that_are_none(value: str) -> None:
    result = drafted({N + "path-regex": value})
    assert (result.draft.path_kind, result.codes) == (None, ["ISTH0114"])


def test_rewrites_are_for_single_services() -> None:
    value = "serviceName=tea rewrite=/; serviceName=coffee rewrite=/beans/"
    assert drafted({N + "rewrites": value}).draft.new_prefix == "/"
    draft, found = drafted({N + "rewrites": value}, service="coffee")
    assert (draft.new_prefix, draft.new_path, found) == ("/beans/", "", ())


@pytest.mark.parametrize(
    "value",
    [
        *HOSTILE,
        "tea=/",
        "serviceName=tea",
        "serviceName=tea rewrite=beans",
        "serviceName=tea rewrite=/$1",
        "serviceName=tea rewrite=/a b",
        "serviceName=tea rewrite=/{a}",
        "serviceName=tea rewrite=/;serviceName=coffee",
    ],
)
def test_rewrites_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "rewrites": value})
    assert (result.draft.new_prefix, result.draft.closed, result.codes) == ("", False, ["ISTH0114"])


def test_a_rewrite_of_a_service_that_is_not_used() -> None:
    assert drafted({N + "rewrites": "serviceName=milk rewrite=/"}).codes == ["ISTH0117"]


def test_rewrite_target() -> None:
    regex = {N + "path-regex": "case_sensitive"}
    assert drafted({N + "rewrite-target": "/beans"}).draft.new_path == "/beans"
    assert drafted({N + "rewrite-target": "/$1/x", **regex}).draft.new_path == "/$1/x"


def test_rewrites_win_over_rewrite_target() -> None:
    both = {N + "rewrite-target": "/a", N + "rewrites": "serviceName=tea rewrite=/b"}
    result = drafted(both)
    assert (result.draft.new_prefix, result.draft.new_path, result.codes) == ("/b", "", ["ISTH0181"])


@pytest.mark.parametrize(
    "annotations",
    [
        {N + "rewrite-target": "/$1"},
        {N + "rewrite-target": "/$1", N + "path-regex": "exact"},
        {N + "rewrites": "serviceName=tea rewrite=/", N + "path-regex": "case_insensitive"},
    ],
)
def test_rewrites_that_cannot_be_had_close(annotations: dict[str, str]) -> None:
    result = drafted(annotations)
    assert (result.draft.closed, result.codes) == (True, ["ISTH0123"])


@pytest.mark.parametrize("value", [*(v for v in HOSTILE if v != "//"), "a", "/$10", "/$a", "/a;b", "https://x/"])
def test_rewrite_targets_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "rewrite-target": value})
    assert (result.draft.new_path, result.codes) == ("", ["ISTH0114"])


def test_redirects() -> None:
    asked = {"app-root": "/app?a=b", "ssl-redirect": "false", "redirect-to-https": "true", "http-redirect-code": "307"}
    draft, found = drafted({N + key: value for key, value in asked.items()})
    assert (draft.app_root, draft.ssl_redirect, draft.forwarded_redirect) == ("/app?a=b", False, True)
    assert (draft.redirect_status, found) == (307, ())
    assert draft.policy.request_headers == (HeaderEdit("x-forwarded-proto", ("https",)),)


def test_the_old_name_of_ssl_redirect_counts_second() -> None:
    old = {"ingress.kubernetes.io/ssl-redirect": "false"}
    assert drafted(old).draft.ssl_redirect is False
    result = drafted({**old, N + "ssl-redirect": "true"})
    assert (result.draft.ssl_redirect, result.codes) == (True, ["ISTH0181"])


@pytest.mark.parametrize("value", [*(v for v in HOSTILE if v not in ("", "//")), "app", "https://x/", "/$host"])
def test_app_roots_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "app-root": value})
    assert (result.draft.app_root, result.codes) == ("", ["ISTH0114"])


@pytest.mark.parametrize("value", [*HOSTILE, "300", "303", "200", "308 "[:3] + "x"])
def test_redirect_codes_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "http-redirect-code": value})
    assert (result.draft.redirect_status, result.codes) == (301, ["ISTH0114"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"": "true"}, "max-age=2592000; preload"),
        ({"": "true", "-max-age": "5", "-include-subdomains": "true"}, "max-age=5; includeSubDomains; preload"),
        ({"": "false", "-max-age": "5"}, ""),
        ({"": "true", "-max-age": "-1"}, ""),
        ({"": "true", "-include-subdomains": "perhaps"}, ""),
        ({"": "perhaps"}, ""),
        ({"": "true", "-behind-proxy": "true"}, "max-age=2592000; preload"),
    ],
)
def test_hsts(asked: dict[str, str], expected: str) -> None:
    assert drafted({f"{N}hsts{key}": value for key, value in asked.items()}).draft.hsts == expected


def test_hsts_parts_alone_change_nothing() -> None:
    result = drafted({N + "hsts-max-age": "5"})
    assert (result.draft.hsts, result.codes) == ("", ["ISTH0180"])


def test_headers() -> None:
    result = drafted(
        {
            N + "proxy-hide-headers": "X-Powered-By, X-Internal",
            N + "proxy-set-headers": "X-A: b:c, X-Copied, Host: inner.test, X-Gone:, X-Who: ${resource_name}/$host",
            N + "add-header": "X-B: 1:always, X-C: $request_id",
        }
    )
    assert result.policy.request_headers == (
        HeaderEdit("X-A", ("b:c",)),
        HeaderEdit("X-Copied", (Variable(Of.HEADER, "x-copied"),)),
        HeaderEdit("X-Gone", ()),
        HeaderEdit("X-Who", ("cafe/", Variable(Of.HOST))),
    )
    assert result.policy.answer_headers == (
        HeaderEdit("X-Powered-By", edit=Edit.REMOVE),
        HeaderEdit("X-Internal", edit=Edit.REMOVE),
        HeaderEdit("X-B", ("1",), Edit.ADD, always=True),
        HeaderEdit("X-C", (Variable(Of.REQUEST_ID),), Edit.ADD, always=False),
    )
    assert (result.draft.host, result.codes) == (("inner.test",), [])


@pytest.mark.parametrize("name", ["proxy-hide-headers", "proxy-set-headers", "add-header"])
@pytest.mark.parametrize("value", [*(v for v in HOSTILE if v), "Content-Length: 1", "a b: c", "X-A: $nobody", ": x"])
def test_headers_that_cannot_be_set(name: str, value: str) -> None:
    result = drafted({N + name: f"X-Fine: 1,{value}" if name != "proxy-hide-headers" else f"X-Fine,{value}"})
    assert (result.policy.request_headers, result.policy.answer_headers) == ((), ())
    assert result.codes == ["ISTH0114"]


def test_a_third_word_of_add_header_is_always_or_nothing() -> None:
    assert drafted({N + "add-header": "X-A: b:often"}).codes == ["ISTH0114"]
    assert drafted({N + "add-header-inherit": "merge"}).codes == ["ISTH0180"]


def test_redirects_of_the_backend() -> None:
    result = drafted({N + "proxy-redirect-from": "http://inner/v1/", N + "proxy-redirect-to": "https://$host/"})
    old, new = ("http://inner/v1/",), ("https://", Variable(Of.HOST), "/")
    expected = (HeaderRewrite("location", old, new), HeaderRewrite("refresh", old, new, "url"))
    assert (result.policy.answer_rewrites, result.codes) == (expected, [])


@pytest.mark.parametrize(
    ("start", "to", "codes"),
    [
        ("off", None, []),
        ("default", "x", []),
        ("~^http://(.*)", "https://$1", ["ISTH0114"]),
        ("http://x/", None, ["ISTH0114"]),
        ("", "http://x/", ["ISTH0114"]),
        ("http://x/", "$nobody", ["ISTH0114"]),
        (None, "http://x/", ["ISTH0180"]),
    ],
)
def test_redirects_of_the_backend_that_stay(start: str | None, to: str | None, codes: list[str]) -> None:
    given = {N + "proxy-redirect-from": start, N + "proxy-redirect-to": to}
    result = drafted({key: value for key, value in given.items() if value is not None})
    assert (result.policy.answer_rewrites, result.codes) == ((), codes)


PAGES = Service(metadata=Meta("pages", "default"), spec=ServiceSpec(ports=(ServicePort(80),)))
TO_PAGES = Backend(ServicePortRef("default", "pages", 80))


def test_error_pages_keep_the_status() -> None:
    result = drafted({N + "custom-http-errors": "404, 502"}, PAGES, default="pages")
    assert result.policy.errors == ErrorPages((404, 502), TO_PAGES, keep_status=True)
    result = drafted({N + "custom-http-errors": "5xx"}, PAGES, default="pages")
    assert result.policy.errors is not None
    assert len(result.policy.errors.statuses) == 100


def test_error_pages_need_a_default_backend() -> None:
    asked = {N + "custom-http-errors": "404"}
    assert [drafted(asked).codes, drafted(asked, default="pages").codes] == [["ISTH0180"], ["ISTH0180"]]


def test_grpc_has_no_error_pages() -> None:
    asked = {N + "custom-http-errors": "404", N + "grpc-services": "tea"}
    assert drafted(asked, PAGES, default="pages").policy.errors is None


@pytest.mark.parametrize("value", [*HOSTILE, "200", "600", "4xy", "404;502", "xx"])
def test_error_statuses_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "custom-http-errors": value}, PAGES, default="pages")
    assert (result.policy.errors, result.codes) == (None, ["ISTH0114"])


def test_snippets_that_have_an_equal() -> None:
    result = drafted(
        {
            N + "location-snippets": "add_header X-A b;\nallow 10.0.0.0/8;\ndeny all;",
            N + "server-snippets": "client_max_body_size 5m;",
        }
    )
    assert result.policy.answer_headers == (HeaderEdit("X-A", ("b",), Edit.ADD, always=False),)
    assert (result.policy.sources, result.policy.max_body_bytes) == (SourceRanges(allow=("10.0.0.0/8",)), 5 << 20)
    assert (result.draft.closed, result.codes) == (False, [])
    redirect = drafted({N + "location-snippets": "return 302 https://example.com/;"}).draft.redirect
    assert redirect == SendTo(("https://example.com/",), 302)


@pytest.mark.parametrize("name", ["location-snippets", "server-snippets"])
@pytest.mark.parametrize("value", ["lua_code;", "location / { return 302 /; }", "add_header X", "auth_request a;", "{"])
def test_other_snippets_close(name: str, value: str) -> None:
    result = drafted({N + name: value})
    assert (result.draft.closed, result.codes) == (True, ["ISTH0123"])


def test_server_tokens_and_ports_only_say_what_they_are_not() -> None:
    assert drafted({N + "server-tokens": "false"}).codes == []
    assert drafted({N + "server-tokens": "mine"}).codes == ["ISTH0122"]
    assert drafted({N + "listen-ports": "8080,9090", N + "listen-ports-ssl": "0"}).codes == ["ISTH0114", "ISTH0122"]
