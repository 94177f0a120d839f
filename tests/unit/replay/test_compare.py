"""What counts as a difference and what does not: statuses, headers, Locations, bodies, and answers that do not come."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from isthmus.replay.answer import Answer, Base, Silence, parse_base
from isthmus.replay.bodies import BodyRules
from isthmus.replay.compare import Difference, Rules, Sides, compare
from isthmus.replay.header_values import IGNORED
from isthmus.replay.json_path import JsonPath, parse_json_path, shown
from isthmus.replay.request import Recorded

OLD, NEW = Base("http", "10.0.0.5", 80), Base("http", "127.0.0.1", 8080)
SIDES = Sides((OLD,), (NEW,))
GET = Recorded("GET", "shop.test", "/a/b")
JSON = (("content-type", "application/json"),)
TEXT = (("content-type", "text/plain"),)


def found(old: Answer, new: Answer, rules: Rules = Rules(), request: Recorded = GET) -> list[Difference]:  # noqa: B008
    return list(compare(request, old, new, SIDES, rules))


def kinds(old: Answer, new: Answer, rules: Rules = Rules(), request: Recorded = GET) -> list[str]:  # noqa: B008
    return [each.kind for each in found(old, new, rules, request)]


def test_a_different_status_is_told_alone() -> None:
    old = Answer(200, (("x", "1"), *JSON), b"{}")
    assert found(old, Answer(404, (), b"no")) == [Difference("status 200 -> 404", "200", "404")]


HEADERS = [
    pytest.param("server", ["nginx"], ["envoy"], False, id="ignored"),
    pytest.param("x-frame-options", ["DENY"], [], True, id="absent"),
    pytest.param("x-frame-options", ["DENY"], ["deny"], True, id="case-of-a-value"),
    pytest.param("link", ["<a>, <b>"], ["<a>", "<b>"], False, id="one-line-or-two"),
    pytest.param("link", ["<a>", "<b>"], ["<b>", "<a>"], True, id="order-of-values"),
    pytest.param("vary", ["Origin, Accept"], ["accept,origin"], False, id="a-set"),
    pytest.param("vary", ["Origin"], ["Origin, Accept"], True, id="a-larger-set"),
    pytest.param("access-control-allow-methods", ["GET, POST"], ["POST,GET"], False, id="methods"),
    pytest.param("content-type", ["text/html; charset=UTF-8"], ["text/html;charset=utf-8"], False, id="media-type"),
    pytest.param("set-cookie", ["route=abc; Path=/; HttpOnly"], ["route=def; httponly; path=/"], False, id="cookie"),
    pytest.param("set-cookie", ["route=a; Path=/; Secure"], ["route=a; Path=/"], True, id="cookie-attribute"),
    pytest.param("set-cookie", ["route=a"], ["affinity=a"], True, id="cookie-name"),
    pytest.param("set-cookie", ["a=1; Max-Age=10"], ["a=1; Max-Age=11"], False, id="cookie-age"),
    pytest.param("set-cookie", ["a=1; Max-Age=10"], ["a=1; Max-Age=0"], True, id="cookie-deleted"),
    pytest.param("set-cookie", ["a=1", "b=2"], ["b=3", "a=4"], False, id="order-of-cookies"),
    pytest.param("expires", ["Sat, 21 Nov 2026 09:00:00 GMT"], ["Sat, 21 Nov 2026 09:00:01 GMT"], False, id="expires"),
    pytest.param("expires", ["Sat, 21 Nov 2026 09:00:00 GMT"], ["0"], True, id="expired"),
    pytest.param("etag", ['"1"'], ['W/"1"'], True, id="etag"),
]


@pytest.mark.parametrize(("name", "old", "new", "different"), HEADERS)
def test_headers(name: str, old: list[str], new: list[str], different: bool) -> None:
    answers = [Answer(200, tuple((name, value) for value in values)) for values in (old, new)]
    assert kinds(*answers) == ([f"header {name}"] if different else [])


def test_rules_for_headers() -> None:
    old, new = Answer(200, (("etag", "1"), ("server", "a"))), Answer(200, (("etag", "2"), ("server", "b")))
    assert kinds(old, new, Rules(IGNORED | {"etag"})) == []
    assert kinds(old, new, Rules(IGNORED - {"server"})) == ["header etag", "header server"]


def test_credentials_in_answers_are_not_shown() -> None:
    old = Answer(200, (("set-cookie", "sid=first; Path=/"), ("x-auth-token", "second")))
    told = str(found(old, Answer(200)))
    assert "sid=...; path=/" in told and "first" not in told and "second" not in told


def test_credentials_that_a_server_echoes_are_hidden() -> None:
    headers = (("authorization", "Bearer sekrit-1"), ("cookie", "sid=sekrit-2; theme=dark"))
    request = Recorded("GET", "shop.test", "/", headers)
    old = Answer(200, (*JSON, ("x-echo", "sid=sekrit-2")), json.dumps({"seen": "Bearer sekrit-1"}).encode())
    told = found(old, Answer(200, JSON, b'{"seen": null}'), request=request)
    assert [each.kind for each in told] == ["header x-echo", "body"] and "sekrit" not in str(told)
    assert told[1].old == '"***"'


LOCATIONS = [
    pytest.param("/x", "http://shop.test/x", False, id="relative"),
    pytest.param("c", "/a/c", False, id="relative-to-the-path"),
    pytest.param("http://10.0.0.5/x", "http://127.0.0.1:8080/x", False, id="each-its-own-address"),
    pytest.param("http://shop.test:80/x", "http://shop.test:8080/x", False, id="each-its-own-port"),
    pytest.param("http://shop.test/x", "http://SHOP.test/x", False, id="case-of-the-host"),
    pytest.param("https://shop.test", "https://shop.test/", False, id="empty-path"),
    pytest.param("https://shop.test/x", "http://shop.test/x", True, id="scheme"),
    pytest.param("https://shop.test/x", "https://www.shop.test/x", True, id="host"),
    pytest.param("https://shop.test/x", "https://shop.test:8443/x", True, id="port-of-nobody"),
    pytest.param("/x?a", "/x?b", True, id="query"),
    pytest.param("/x", "/x/", True, id="slash"),
    pytest.param("//shop.test/x", "/x", False, id="no-scheme"),
    pytest.param("http://[x", "http://[y", True, id="no-url"),
]


@pytest.mark.parametrize(("old", "new", "different"), LOCATIONS)
def test_locations(old: str, new: str, different: bool) -> None:
    answers = [Answer(302, (("location", each),)) for each in (old, new)]
    assert kinds(*answers) == (["location"] if different else [])


def test_ports_of_other_addresses_of_a_gateway_are_its_own() -> None:
    old, new = (Answer(308, (("location", f"https://shop.test{port}/"),)) for port in ("", ":8443"))
    sides = Sides((OLD,), (NEW, Base("https", "127.0.0.1", 8443)))
    assert compare(GET, old, new, sides, Rules()) == ()
    assert [each.kind for each in compare(GET, old, new, SIDES, Rules())] == ["location"]


def test_staying_on_the_own_scheme_is_the_same() -> None:
    sides = Sides((OLD,), (Base("https", "127.0.0.1", 8443),))
    for new, different in (
        ("https://shop.test:8443/x", False),
        ("http://shop.test/x", False),
        ("https://z.test/x", True),
    ):
        answers = Answer(301, (("location", "http://shop.test/x"),)), Answer(301, (("location", new),))
        assert bool(compare(GET, *answers, sides, Rules())) is different


def test_redirects_of_other_status_are_both_told() -> None:
    old, new = Answer(301, (("location", "/x"),)), Answer(308, (("location", "/y"),))
    assert kinds(old, new) == ["status 301 -> 308", "location"]
    assert kinds(old, Answer(200)) == ["status 301 -> 200"]
    assert kinds(old, Answer(301)) == ["location"]


BODIES = [
    pytest.param(JSON, b'{"a": 1, "b": [1, 2]}', b'{"b":[1,2],"a":1.0}', "", id="json"),
    pytest.param(JSON, b'{"a": {"b": [1, 2]}}', b'{"a": {"b": [1, 3]}}', "$.a.b[1]: 2 -> 3", id="json-place"),
    pytest.param(JSON, b'{"a b": 1}', b"{}", "$['a b']: 1 -> (absent)", id="json-absent"),
    pytest.param(JSON, b"[1]", b"[1, null]", "$[1]: (absent) -> null", id="json-longer"),
    pytest.param(JSON, b"[true]", b"[1]", "$[0]: true -> 1", id="json-true-is-not-1"),
    pytest.param(JSON, b'{"a": 1', b'{"a": 2', 'byte 7: {"a": 1 (7 bytes) -> {"a": 2 (7 bytes)', id="not-really-json"),
    pytest.param(TEXT, b"a b\r\n", b"a  b", "white space", id="blanks"),
    pytest.param(TEXT, b"a b", b"ab", "byte 2: a b (3 bytes) -> ab (2 bytes)", id="a-word-less"),
    pytest.param((), b"\x00 \x01", b"\x00\x01", "byte 2: \x00 \x01 (3 bytes) -> \x00\x01 (2 bytes)", id="bytes"),
    pytest.param((), b"", b"x", "byte 1: (empty) -> x (1 bytes)", id="empty"),
    pytest.param(JSON, b"[" * 5000, b"[" * 5000, "", id="deep"),
]


@pytest.mark.parametrize(("headers", "old", "new", "told"), BODIES)
def test_bodies(headers: tuple[tuple[str, str], ...], old: bytes, new: bytes, told: str) -> None:
    differences = found(Answer(200, headers, old), Answer(200, headers, new))
    text = [f"{each.where}: {each.old} -> {each.new}" if each.kind == "body" else each.kind for each in differences]
    assert text == ([told] if told else [])


def test_rules_for_bodies() -> None:
    blanks = Answer(200, TEXT, b"a b"), Answer(200, TEXT, b"a  b")
    assert kinds(*blanks, Rules(body=BodyRules(exact=True))) == ["body"]
    assert kinds(*blanks, Rules(bodies=False)) == []
    pages = Answer(404, (("content-type", "text/html"),), b"<html>"), Answer(404, TEXT, b"no")
    assert kinds(*pages) == ["header content-type", "body"]
    assert kinds(*pages, Rules(error_bodies=False)) == []
    redirects = [Answer(302, (("location", "/"), *each.headers), each.body) for each in pages]
    assert kinds(*redirects) == []
    assert kinds(Answer(200, body=b"a"), Answer(200, body=b"b"), request=Recorded("HEAD", "", "/")) == []


def test_json_paths_leave_places_out() -> None:
    old, new = Answer(200, JSON, b'{"a":[{"id":1,"n":1}]}'), Answer(200, JSON, b'{"a":[{"id":2,"n":1}]}')
    for text, different in (("$.a[*].id", False), ("a[0]", False), ("$['a']", False), ("$.a[1]", True), ("$.id", True)):
        path = parse_json_path(text)
        assert path is not None
        assert bool(found(old, new, Rules(body=BodyRules(ignored=(path,))))) is different


@pytest.mark.parametrize("text", ["", "$", "$..a", "a b", "$[", "$[-1]", "$.a[?(@.b)]", "$.a]", "ab$c", "$[1"])
def test_json_paths_that_are_none(text: str) -> None:
    assert parse_json_path(text) is None


def test_json_paths_are_shown_as_they_are_read() -> None:
    place = ("a", 0, "b-c", "odd name", "it's")
    assert shown(place) == "$.a[0].b-c['odd name'][\"it's\"]"
    assert parse_json_path(shown(place)) == JsonPath(place)


def test_content_codings_are_undone() -> None:
    packed = Answer(200, (*TEXT, ("content-encoding", "gzip")), gzip.compress(b"hello"))
    other = Answer(200, (*TEXT, ("content-encoding", "deflate")), zlib.compress(b"hello"))
    assert kinds(packed, Answer(200, packed.headers, gzip.compress(b"hello", 1, mtime=5))) == []
    assert kinds(packed, other) == ["header content-encoding"]
    assert kinds(packed, Answer(200, packed.headers, gzip.compress(b"hullo"))) == ["body"]
    brotli = Answer(200, (*TEXT, ("content-encoding", "br")), b"\x0b\x02\x80hello\x03")
    assert kinds(packed, brotli) == ["header content-encoding"]  # cannot be undone: only the header is told
    assert kinds(brotli, Answer(200, brotli.headers, b"x")) == ["body"]


def test_a_body_that_inflates_without_end_is_cut() -> None:
    bomb = Answer(200, (("content-encoding", "gzip"),), gzip.compress(bytes(64 << 20)))
    assert kinds(bomb, bomb) == []
    assert found(bomb, Answer(200, bomb.headers, gzip.compress(b"x")))[0].where == "its end"


def test_cut_bodies_are_compared_as_far_as_they_came() -> None:
    short, long = (Answer(200, TEXT, body, "after 1 s") for body in (b"tick\n", b"tick\ntick\n"))
    assert kinds(short, long) == []
    assert kinds(short, Answer(200, TEXT, b"tack\n", "after 1 s")) == ["body"]
    whole = found(short, Answer(200, TEXT, b"tick\n"))[0]
    assert (whole.where, whole.old, whole.new) == ("its end", "cut off after 1 s", "complete, 5 bytes")


def test_silence_is_a_difference_even_on_both_sides() -> None:
    timeout = Silence("no answer within 1 s")
    for old, new, told in (
        (Answer(200), timeout, ("200", "no answer within 1 s")),
        (timeout, timeout, ("no answer within 1 s",) * 2),
    ):
        assert compare(GET, old, new, SIDES, Rules()) == (Difference("no answer", *told),)


BASES = [
    ("http://a.test", Base("http", "a.test", 80), "http://a.test"),
    ("https://a.test:8443/", Base("https", "a.test", 8443), "https://a.test:8443"),
    ("http://[::1]:8080", Base("http", "::1", 8080), "http://[::1]:8080"),
    ("https://[::1]", Base("https", "::1", 443), "https://[::1]"),
]


@pytest.mark.parametrize(("text", "base", "shown"), BASES)
def test_bases(text: str, base: Base, shown: str) -> None:
    assert (parse_base(text), str(base)) == (base, shown)


@pytest.mark.parametrize(
    "text", ["a.test", "ftp://a", "http://a/b", "http://u:p@a", "http://a:0", "http://a:99999", ""]
)
def test_what_is_no_base(text: str) -> None:
    assert parse_base(text) is None
