"""What routes ask of requests, in a real Envoy: limits, source ranges, sizes, headers, error pages, stickiness."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from gateways import Answer, ask, http_echoes
from msgspec.structs import replace
from static_envoy import HOST, ORIGIN, local, serving

from isthmus.ir.action import Forward, Mirror, Retry, Rewrite, SendTo, Session, Split
from isthmus.ir.authorization import Authorization
from isthmus.ir.backend import Balance
from isthmus.ir.host import Route
from isthmus.ir.match import Condition, Exact, Match, Prefix
from isthmus.ir.order import ordered
from isthmus.ir.policy import Cors, Edit, ErrorPages, HeaderEdit, Policy, RateLimit, SourceRanges
from isthmus.ir.template import Of, Variable

CLIENT = (Variable(Of.CLIENT),)
USER = (Variable(Of.HEADER, "x-user"),)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http_echoes("one", "two", "three", "pages") as echoes:
        one, two = local(echoes["one"]), local(echoes["two"])
        dead = local("127.0.0.1:1")
        pages = ErrorPages((404, 503), local(echoes["pages"]), (HeaderEdit("x-namespace", ("default",)),))
        asked = {
            "/limited": Policy(limits=(RateLimit(2, 60_000, burst=1, key=USER),)),
            "/exempt": Policy(limits=(RateLimit(1, 60_000, key=CLIENT, exempt=("0.0.0.0/0", "::/0")),)),
            "/dry": Policy(limits=(RateLimit(1, 60_000, key=CLIENT, dry_run=True),)),
            "/ten": Policy(sources=SourceRanges(allow=("10.0.0.0/8",))),
            "/nobody": Policy(sources=SourceRanges(allow=())),
            "/denied": Policy(sources=SourceRanges(deny=("0.0.0.0/0", "::/0"))),
            "/small": Policy(max_body_bytes=100),
            "/helper": Policy(authorization=Authorization("here")),
            "/pages": Policy(errors=pages),
            "/answers": Policy(
                sources=SourceRanges(allow=()),
                answer_headers=(
                    HeaderEdit("x-a", ("100% ", Variable(Of.TARGET))),
                    HeaderEdit("x-b", ("b",), Edit.ADD, always=False),
                ),
            ),
            "/unless": Policy(
                answer_headers=(
                    HeaderEdit("x-b", ("b ", Variable(Of.TARGET)), Edit.ADD, always=False),
                    HeaderEdit("content-type", ("text/x",), Edit.SET, always=False),
                    HeaderEdit("server", ("x",), Edit.DEFAULT, always=False),
                )
            ),
            "/forwarded": Policy(forwarded=True),
            "/kept": Policy(errors=replace(pages, keep_status=True)),
            "/headers": Policy(
                request_headers=(
                    HeaderEdit("x-set", ("100% of ", Variable(Of.COOKIE, "c"), "/", Variable(Of.PARAMETER, "p"))),
                    HeaderEdit("x-gone", edit=Edit.REMOVE),
                    HeaderEdit("x-mine", ("default",), Edit.DEFAULT),
                    HeaderEdit("x-nothing", (Variable(Of.HEADER, "x-absent"),), Edit.ADD),
                )
            ),
            "/cors": Policy(cors=Cors(("https://*.app.test",), ("GET", "PUT"), ("x-a",), ("x-b",), True, 60)),
        }
        plain = [Route(Match(Prefix(path)), Forward(one), ORIGIN, policy) for path, policy in asked.items()]
        actions = {
            "/old": Forward(one, rewrite=Rewrite(r"/new/\1", "^/old/(.*)")),
            "/named": Forward(one, host=("inner.test",)),
            "/named-by": Forward(one, host=(Variable(Of.HEADER, "x-user"), ".inner.test")),
            "/split": Forward(one, weight=1, splits=(Split(two, 1),)),
            "/copied": Forward(one, mirrors=(Mirror(two),)),
            "/retried": Forward(dead, retry=Retry(3), weight=1, splits=(Split(dead, 1),)),
            "/away": SendTo(("https://", Variable(Of.HOST), "/there", Variable(Of.TARGET)), 302),
        }
        other = [Route(Match(Prefix(path)), action, ORIGIN) for path, action in actions.items()]
        choices = [
            (-3, Condition("header", "x-canary", "always"), two),
            (-2, Condition("header", "x-canary", "never"), one),
            (-1, Condition("cookie", "canary", "(always|yes)", regex=True), two),
        ]
        chosen = [
            Route(Match(Exact("/canary"), conditions=(condition,), turn=turn), Forward(backend), ORIGIN)
            for turn, condition, backend in choices
        ]
        last = Route(Match(Exact("/canary")), Forward(one), ORIGIN)
        down = Route(Match(Prefix("/down")), Forward(dead), ORIGIN, Policy(errors=pages))
        with serving(ordered([*plain, *other, *chosen, last, down])) as running:
            yield running


def get(port: int, path: str, **headers: str) -> Answer:
    return ask(port, HOST, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def seen(answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(answer.body)
    return shown | {"headers": {name.lower(): value for name, value in shown["headers"]}}


def test_a_limit_counts_each_value_of_its_key(port: int) -> None:
    assert [get(port, "/limited", x_user="a").status for _ in range(4)] == [200, 200, 503, 503]
    assert get(port, "/limited", x_user="b").status == 200


def test_exempt_sources_and_dry_runs_are_not_limited(port: int) -> None:
    assert {get(port, path).status for path in ("/dry", "/exempt") for _ in range(5)} == {200}


def test_source_ranges(port: int) -> None:
    assert [get(port, path).status for path in ("/ten", "/nobody", "/denied", "/answers")] == [403] * 4


def test_a_spoofed_address_does_not_help(port: int) -> None:
    assert get(port, "/ten", x_forwarded_for="10.1.2.3").status == 403


def _post(port: int, path: str, body: bytes, chunked: bool) -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        parts = iter([body[:50], body[50:]]) if chunked else body
        connection.request("POST", path, parts, {"host": HOST}, encode_chunked=chunked)
        return connection.getresponse().status


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies(port: int, chunked: bool) -> None:
    assert _post(port, "/small", b"x" * 100, chunked) == 200
    assert _post(port, "/small", b"x" * 101, chunked) == 413


def test_without_its_helper_a_route_is_closed(port: int) -> None:
    assert get(port, "/helper").status == 503


def test_answers_of_the_gateway_itself_get_headers_too(port: int) -> None:
    answer = get(port, "/answers?a=1")
    assert (answer.status, answer.headers["x-a"]) == (403, "100% /answers?a=1")
    assert answer.headers["x-b"] is None


def test_headers_that_errors_do_not_get(port: int) -> None:
    answer = get(port, "/unless")
    assert (answer.headers["x-b"], answer.headers["content-type"]) == ("b /unless", "text/x")
    answer = get(port, "/unless?status=404")
    assert (answer.headers["x-b"], answer.headers["content-type"]) == (None, "application/json")
    assert not [name for name in answer.headers if "isthmus" in name]


def test_headers_of_requests(port: int) -> None:
    headers = seen(get(port, "/headers?p=1", x_gone="1", cookie="b=2; c=3", x_mine="own"))["headers"]
    assert (headers["x-set"], headers["x-mine"]) == ("100% of 3/1", "own")
    assert not {"x-gone", "x-nothing"} & headers.keys()


def test_what_the_backend_is_told_of_the_client(port: int) -> None:
    said = {"x_forwarded_for": "1.2.3.4", "x_real_ip": "1.2.3.4", "x_forwarded_host": "evil", "x_scheme": "https"}
    headers = seen(get(port, "/forwarded", **said))["headers"]
    assert headers["x-forwarded-for"] == headers["x-real-ip"] != "1.2.3.4"
    wanted = {"x-forwarded-host": HOST, "x-forwarded-port": str(port), "x-scheme": "http", "x-forwarded-scheme": "http"}
    assert wanted.items() <= headers.items()
    assert len(headers["x-request-id"]) == 36
    assert seen(get(port, "/forwarded", x_request_id="mine"))["headers"]["x-request-id"] == "mine"


def test_error_pages(port: int) -> None:
    answer = get(port, "/pages/x?status=404")
    page = seen(answer)
    assert (answer.status, page["replica"], page["path"]) == (404, "pages", "/")
    wanted = {"x-code": "404", "x-original-uri": "/pages/x?status=404", "x-namespace": "default"}
    assert wanted.items() <= page["headers"].items()
    assert get(port, "/pages/x?status=500").replica == "one"


def test_head_gets_no_page(port: int) -> None:
    answer = ask(port, HOST, "/pages/x?status=404", method="HEAD")
    assert (answer.status, answer.headers["x-served-by"]) == (404, "one")


def test_error_pages_with_the_status_that_they_replace(port: int) -> None:
    answer = get(port, "/kept/x?status=503")
    assert (answer.status, answer.replica) == (503, "pages")


def test_error_pages_of_a_backend_that_is_down(port: int) -> None:
    answer = get(port, "/down")
    assert (answer.status, answer.replica) == (200, "pages")  # the pages' backend chooses, as with nginx


def test_cors(port: int) -> None:
    page = {"origin": "https://a.app.test"}
    asked = {**page, "access-control-request-method": "PUT"}
    preflight = ask(port, HOST, "/cors", method="OPTIONS", headers=asked)
    assert preflight.headers["access-control-allow-origin"] == page["origin"]
    assert preflight.headers["access-control-allow-methods"] == "GET, PUT"
    assert ask(port, HOST, "/cors", headers=page).headers["access-control-expose-headers"] == "x-b"
    assert ask(port, HOST, "/cors", headers={"origin": "https://evil"}).headers["access-control-allow-origin"] is None


def test_rewrites_and_names(port: int) -> None:
    assert seen(get(port, "/old/a?b=c"))["path"] == "/new/a"
    assert seen(get(port, "/named"))["headers"]["host"] == "inner.test"
    assert seen(get(port, "/named-by", x_user="ada"))["headers"]["host"] == "ada.inner.test"


def test_splits_and_conditions(port: int) -> None:
    assert {get(port, "/split").replica for _ in range(40)} == {"one", "two"}
    assert get(port, "/canary").replica == "one"
    assert get(port, "/canary", x_canary="always").replica == "two"
    assert get(port, "/canary", x_canary="never", cookie="canary=always").replica == "one"
    assert get(port, "/canary", cookie="a=b; canary=yes").replica == "two"


def test_redirects(port: int) -> None:
    answer = get(port, "/away?x=1")
    assert (answer.status, answer.headers["location"]) == (302, f"https://{HOST}/there/away?x=1")


def test_nobody_left_to_retry(port: int) -> None:
    assert get(port, "/retried").status == 503


@pytest.mark.parametrize("persistent", [False, True])
def test_sessions(persistent: bool) -> None:
    with http_echoes("only") as echoes:
        backend = local(echoes["only"], balance=Balance.HASH)
        session = Session("stuck", "/", 0, (("SameSite", "Lax"),), persistent)
        with serving([Route(Match(Prefix("/")), Forward(backend, session=session), ORIGIN)]) as port:
            cookie = get(port, "/").headers["set-cookie"]
            assert cookie.startswith("stuck=")
            assert "SameSite=Lax" in cookie
            again = get(port, "/", cookie=cookie.partition(";")[0])
            assert (again.status, again.headers["set-cookie"]) == (200, None)
