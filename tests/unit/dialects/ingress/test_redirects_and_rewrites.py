"""Redirects, another root, rewrites, other names: what the annotations say, and values that nobody can use."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.grammar.rewriting import new_path
from isthmus.dialects.ingress.nginx import app_root, redirects, rewrite, server_alias, www
from isthmus.ir.action import Rewrite, SendTo
from isthmus.ir.template import Of, Variable

TARGET = Variable(Of.TARGET)
ORIGIN = Variable(Of.ORIGIN)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({"permanent-redirect": "https://a.test/x"}, SendTo(("https://a.test/x",), 301)),
        (
            {"permanent-redirect": "https://a.test/x", "permanent-redirect-code": "308"},
            SendTo(("https://a.test/x",), 308),
        ),
        ({"temporal-redirect": "http://a.test"}, SendTo(("http://a.test",), 302)),
        ({"temporal-redirect": "http://a.test", "temporal-redirect-code": "307"}, SendTo(("http://a.test",), 307)),
        (
            {"temporal-redirect": "http://t.test", "permanent-redirect": "http://p.test"},
            SendTo(("http://t.test",), 302),
        ),
        ({"permanent-redirect": "https://a.test$request_uri"}, SendTo(("https://a.test", TARGET), 301)),
        ({"permanent-redirect": "https://${host}/"}, SendTo(("https://", Variable(Of.HOST), "/"), 301)),
        ({"permanent-redirect": "https://a.test/100%/?a=b&c#d"}, SendTo(("https://a.test/100%/?a=b&c#d",), 301)),
        ({"permanent-redirect": "/else"}, SendTo((ORIGIN, "/else"), 301)),
        ({"permanent-redirect": "/else", "relative-redirects": "true"}, SendTo(("/else",), 301)),
        ({"permanent-redirect": "https://$namespace.test/$service_name"}, SendTo(("https://shop.test/web",), 301)),
    ],
)
def test_where_requests_are_sent(notes: dict[str, str], expected: SendTo) -> None:
    found = drafted(redirects.FEATURE, notes)
    assert (found.draft.redirect, found.draft.closed, found.codes) == (expected, False, [])


@pytest.mark.parametrize("key", ["permanent-redirect", "temporal-redirect"])
@pytest.mark.parametrize(
    "value", [each for each in NONSENSE if each.strip()] + ["ftp://a", "javascript:x", "https://a b"]
)
def test_a_target_that_is_none_closes_the_path(key: str, value: str) -> None:
    found = drafted(redirects.FEATURE, {key: value})
    assert (found.draft.redirect, found.draft.closed, found.codes) == (None, True, ["ISTH0123"])


@pytest.mark.parametrize(
    "value", ["https://a.test/$nothing", "https://a.test/$1", "https://a.test/${", "https://a/\x85b"]
)
def test_a_target_is_never_half_filled(value: str) -> None:
    assert drafted(redirects.FEATURE, {"permanent-redirect": value}).draft.closed


@pytest.mark.parametrize("value", ["", "200", "309", "-1", "3o1", "301.0", "\x00", "9" * 400])
def test_a_status_that_is_none_is_the_default(value: str) -> None:
    found = drafted(redirects.FEATURE, {"permanent-redirect": "/x", "permanent-redirect-code": value})
    assert (found.draft.redirect, found.codes) == (SendTo((ORIGIN, "/x"), 301), ["ISTH0114"])


def test_an_empty_target_is_none() -> None:
    found = drafted(redirects.FEATURE, {"permanent-redirect": " "})
    assert (found.draft.redirect, found.draft.closed, found.codes) == (None, False, ["ISTH0114"])


def test_the_config_map_makes_redirects_relative() -> None:
    found = drafted(redirects.FEATURE, {"permanent-redirect": "/x"}, {"relative-redirects": "true"})
    assert found.draft.redirect == SendTo(("/x",), 301)


@pytest.mark.parametrize("value", ["/home", "/a/b.html?x=1#y", "/%C3%A4"])
def test_another_root(value: str) -> None:
    found = drafted(app_root.FEATURE, {"app-root": value})
    assert (found.draft.app_root, found.codes) == (value, [])


@pytest.mark.parametrize(
    "value", [*NONSENSE, "/", "home", "/a b", "/$host", "/a;b", '/"', "https://a.test/", "/ä", "/\\"]
)
def test_a_root_that_is_none(value: str) -> None:
    found = drafted(app_root.FEATURE, {"app-root": value})
    assert (found.draft.app_root, found.codes) == ("", ["ISTH0114"])


@pytest.mark.parametrize("value", ["/", "/$1", "/$2/x$1", "$1", "/a-b_c.d~e:f"])
def test_rewrite_targets(value: str) -> None:
    found = drafted(rewrite.FEATURE, {"rewrite-target": value})
    assert (found.draft.rewrite, found.draft.closed, found.codes) == (value, False, [])


@pytest.mark.parametrize(
    "value", [each for each in NONSENSE if each.strip()] + ["/$0", "/$host", "/$", "/a?b", "/a b", "/\\1"]
)
def test_a_target_that_is_no_path_closes_the_path(value: str) -> None:
    found = drafted(rewrite.FEATURE, {"rewrite-target": value})
    assert (found.draft.rewrite, found.draft.closed, found.codes) == (None, True, ["ISTH0123"])


@pytest.mark.parametrize(
    ("written", "target", "expected"),
    [
        ("/api(/|$)(.*)", "/$2", Rewrite(r"/\2", "^(?i:/api(/|(?:(?:%0[aA])?$))(.*)).*$")),
        ("/x", "/", Rewrite("/", "^(?i:/x).*$")),
        ("/(a)", "/$1$2$9", Rewrite(r"/\1", "^(?i:/(a)).*$")),
        ("/(a)", "/$10", Rewrite(r"/\10", "^(?i:/(a)).*$")),
    ],
)
def test_a_group_that_there_is_not_is_nothing(written: str, target: str, expected: Rewrite) -> None:
    assert new_path(written, target) == expected


@pytest.mark.parametrize(("value", "expected"), [("b.test", []), ("b.test, *.c.test", []), ("B.test", [])])
def test_aliases(value: str, expected: list[str]) -> None:
    assert drafted(server_alias.FEATURE, {"server-alias": value}).codes == expected


@pytest.mark.parametrize(("value", "expected"), [("true", []), ("f", []), ("yes", ["ISTH0114"]), ("", ["ISTH0114"])])
def test_www(value: str, expected: list[str]) -> None:
    assert drafted(www.FEATURE, {"from-to-www-redirect": value}).codes == expected
