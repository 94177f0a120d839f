"""What another server is asked, and what its answers mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isthmus.edge.authorization import question
from isthmus.edge.authorization.question import DEPTH, MOST_DEEP, Answer, ask, depth, judge, sign_in
from isthmus.edge.authorization.request import Request
from isthmus.edge.authorization.verdict import Denied, Granted
from isthmus.ir.authorization import Question
from isthmus.ir.template import Of, Variable

ASKED = Question(None, ("auth.test",), ("/check?u=", Variable(Of.ESCAPED_TARGET)), pass_headers=("X-User", "X-Role"))
REQUEST = Request("PUT", "/shop?a=1", "shop.test", {"cookie": "a=1", "x-user": "eve"}, client="10.0.0.7")
COOKIES = (("set-cookie", "a=1"), ("set-cookie", "b=2"))


def headers_for(**sent: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in sent.items()}
    return dict(ask(ASKED, REQUEST._replace(headers=named)).headers)


def test_what_is_asked() -> None:
    found = ask(ASKED, REQUEST)
    assert (found.method, found.host, found.path) == ("GET", "auth.test", "/check?u=%2Fshop%3Fa%3D1")
    assert dict(found.headers) == {
        "cookie": "a=1",
        "x-user": "eve",
        "x-original-url": "http://shop.test/shop?a=1",
        "x-original-method": "PUT",
        "x-original-uri": "/shop?a=1",
        "x-scheme": "http",
        "x-sent-from": "nginx-ingress-controller",
        "x-real-ip": "10.0.0.7",
        "x-forwarded-for": "10.0.0.7",
        "x-auth-request-redirect": "/shop?a=1",
        DEPTH: "1",
    }


@pytest.mark.parametrize(
    "name",
    [
        ":path", "connection", "content-length", "expect", "host", "if-none-match", "range", "te", "transfer-encoding",
        "upgrade", "ssl-client-verify", "ssl-client-subject-dn", "x-envoy-retry-on", "x-forwarded-host",
        "x-forwarded-proto", "x-isthmus-cluster", "x-isthmus-question",
    ],
)  # fmt: skip
def test_headers_that_a_client_may_not_pass_on(name: str) -> None:
    sent = dict(ask(ASKED, REQUEST._replace(headers={name: "evil"})).headers)
    assert "evil" not in sent.values()


@pytest.mark.parametrize("name", ["x-real-ip", "x-original-url", "x-original-method", "x-forwarded-for", "x-sent-from"])
def test_headers_that_are_written_anew(name: str) -> None:
    assert "evil" not in headers_for(**{name: "evil"})[name]


def test_own_headers_win_and_empty_ones_remove() -> None:
    said = (("X-Real-IP", ("own",)), ("Cookie", ()), ("x-absent", (Variable(Of.HEADER, "x-none"),)))
    sent = dict(ask(replace(ASKED, set_headers=said), REQUEST).headers)
    assert (sent["x-real-ip"], "cookie" in sent, "x-absent" in sent) == ("own", False, False)


def test_own_headers_never_tell_envoy_what_to_do() -> None:
    said = tuple((name, ("evil",)) for name in ("x-isthmus-cluster", DEPTH, "X-Envoy-Retry-On"))
    assert "evil" not in dict(ask(replace(ASKED, set_headers=said), REQUEST).headers).values()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("/a b",), "/a%20b"),
        (("/ü#x",), "/%C3%BC%23x"),
        (("a",), "/a"),
        (("/a\r\nHost: evil",), "/a%0D%0AHost:%20evil"),
        (("/%20",), "/%20"),
        ((), "/"),
    ],
)
def test_a_path_is_encoded_as_it_goes_out(path: tuple[str, ...], expected: str) -> None:
    assert ask(replace(ASKED, path=path), REQUEST).path == expected


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_nothing_breaks_out(target: str, headers: dict[str, str]) -> None:
    asked = replace(ASKED, path=("/", Variable(Of.TARGET)), redirect_header=(Variable(Of.HEADER, "x"),))
    found = ask(asked, REQUEST._replace(target=target, headers=headers))
    assert found.path.isascii() and found.path.isprintable() and " " not in found.path and "#" not in found.path
    assert not any(each in value for _, value in found.headers for each in "\r\n\0")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", 0), ("2", 2), ("999", MOST_DEEP), ("-1", MOST_DEEP), ("", MOST_DEEP), ("x", MOST_DEEP), ("٣", MOST_DEEP)],
)
def test_depth(value: str, expected: int) -> None:
    assert depth(REQUEST._replace(headers={DEPTH: value})) == expected


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_2xx_lets_in(status: int) -> None:
    verdict = judge(ASKED, Answer(status, (("x-user", "ann"), ("x-user", "b"), ("x-other", "c"), *COOKIES)))
    assert verdict == Granted(headers=(("X-User", "ann, b"),), cookies=("a=1", "b=2"), always=False)


@pytest.mark.parametrize("status", [100, 199, 300, 302, 304, 400, 402, 404, 418, 500, 502, 503])
def test_other_statuses_are_an_error(status: int) -> None:
    verdict = judge(ASKED, Answer(status, COOKIES))
    assert isinstance(verdict, Denied)
    assert (verdict.status, verdict.headers) == (500, ())


def test_no_answer_is_an_error() -> None:
    verdict = judge(ASKED, None)
    assert isinstance(verdict, Denied)
    assert verdict.status == 500


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("status", [401, 403])
def test_refusals(status: int, always: bool) -> None:
    answer = Answer(status, (("www-authenticate", "Bearer"), ("location", "/x"), *COOKIES))
    verdict = judge(replace(ASKED, cookies_always=always), answer)
    assert isinstance(verdict, Denied)
    challenge = (("www-authenticate", "Bearer"),) if status == 401 else ()
    assert (verdict.status, verdict.headers) == (status, challenge + (COOKIES if always else ()))


def test_a_401_becomes_a_redirect_with_its_cookies() -> None:
    asked = replace(ASKED, sign_in=("https://login.test/?rd=", Variable(Of.ORIGIN), Variable(Of.ESCAPED_TARGET)))
    denied = judge(asked, Answer(401, (("www-authenticate", "Bearer"), *COOKIES)))
    assert isinstance(denied, Denied)
    location = ("location", "https://login.test/?rd=http://shop.test%2Fshop%3Fa%3D1")
    assert sign_in(asked, REQUEST, denied) == Denied(302, "", (location, *COOKIES))
    grpc = REQUEST._replace(headers={"content-type": "application/grpc"})
    assert sign_in(asked, grpc, denied) == denied


def test_a_location_holds_no_line_break() -> None:
    asked = replace(ASKED, sign_in=("https://login.test/", Variable(Of.HEADER, "x-user")))
    request = REQUEST._replace(headers={"x-user": "a\r\nset-cookie: evil=1 ü"})
    ((_, location),) = sign_in(asked, request, Denied(401, "")).headers
    assert location == "https://login.test/a%0D%0Aset-cookie:%20evil=1%20%C3%BC"


def test_the_number_of_cookies_is_bounded() -> None:
    verdict = judge(ASKED, Answer(200, COOKIES * 100))
    assert isinstance(verdict, Granted)
    assert len(verdict.cookies) == question._MOST_COOKIES
