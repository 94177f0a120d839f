"""proxy-cookie-domain, proxy-cookie-path, proxy-redirect-from and -to."""

from __future__ import annotations

import pytest
from ingress_drafts import drafted

from isthmus.dialects.ingress.nginx import cookies, location
from isthmus.ir.policy import HeaderRewrite
from isthmus.ir.template import Of, Variable

HOST = Variable(Of.HOST)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ()),
        ({"proxy-cookie-path": "off"}, ()),
        ({"proxy-cookie-path": "/a/ /b/"}, (HeaderRewrite("set-cookie", ("/a/",), ("/b/",), "path"),)),
        ({"proxy-cookie-path": '/ "/; Secure"'}, (HeaderRewrite("set-cookie", ("/",), ("/; Secure",), "path"),)),
        (
            {"proxy-cookie-domain": ".localhost $host"},
            (HeaderRewrite("set-cookie", ("localhost",), (HOST,), "domain", whole=True),),
        ),
        (
            {"proxy-cookie-domain": "a.example .b.example"},
            (HeaderRewrite("set-cookie", ("a.example",), ("b.example",), "domain", whole=True),),
        ),
    ],
)
def test_cookies(given: dict[str, str], expected: tuple[HeaderRewrite, ...]) -> None:
    found = drafted(cookies.FEATURE, given)
    assert (found.draft.policy.answer_rewrites, found.codes) == (expected, [])


@pytest.mark.parametrize("key", ["proxy-cookie-domain", "proxy-cookie-path"])
@pytest.mark.parametrize(
    "value",
    [
        "on",
        "a",
        "a b c",
        "~^/(.*)$ /$1",
        "a $nothing",
        "a b;",
        '"a',
        "a { b",
        "a \x00",
        'a "b\r\nc"',
        "x" * 66_000,
        '"" b',
    ],
)
def test_what_cannot_be_read_is_left_and_reported(key: str, value: str) -> None:
    found = drafted(cookies.FEATURE, {key: value})
    assert (found.draft.policy.answer_rewrites, found.draft.closed, found.codes) == ((), False, ["ISTH0114"])


def test_redirects_are_rewritten_in_two_headers() -> None:
    given = {"proxy-redirect-from": "http://inside/", "proxy-redirect-to": "https://$host/"}
    pair = ("http://inside/",), ("https://", HOST, "/")
    assert drafted(location.FEATURE, given).draft.policy.answer_rewrites == (
        HeaderRewrite("location", *pair),
        HeaderRewrite("refresh", *pair, "url"),
    )


@pytest.mark.parametrize(
    "given",
    [
        {"proxy-redirect-from": "off", "proxy-redirect-to": "/"},
        {"proxy-redirect-from": "default", "proxy-redirect-to": "/"},
        {"proxy-redirect-from": "/a/"},
        {"proxy-redirect-to": "/a/"},
        {"proxy-redirect-from": "/a/", "proxy-redirect-to": "off"},
    ],
)
def test_nothing_is_rewritten_without_both(given: dict[str, str]) -> None:
    assert drafted(location.FEATURE, given).draft.policy.answer_rewrites == ()


@pytest.mark.parametrize("value", ["~^http://(.*)$", "$nothing", "a\r\nb", "\x00"])
def test_redirects_that_cannot_be_read_are_left(value: str) -> None:
    found = drafted(location.FEATURE, {"proxy-redirect-from": value, "proxy-redirect-to": "/"})
    assert (found.draft.policy.answer_rewrites, found.codes) == ((), ["ISTH0114"])
