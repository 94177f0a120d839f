"""Lines of request files: every form that is read, and what is said about lines that are no requests."""

from __future__ import annotations

import json

import pytest

from isthmus.replay.lines import MOST_BYTES, parse_line
from isthmus.replay.request import Recorded, Unusable

START = '192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "'


def log(request: str, referer: str = "-", agent: str = "-", tail: str = "") -> bytes:
    return f'{START}{request} HTTP/1.1" 200 2326 "{referer}" "{agent}"{tail}'.encode()


def read(line: bytes | dict[str, object]) -> Recorded:
    found = parse_line(json.dumps(line).encode() if isinstance(line, dict) else line)
    assert isinstance(found, Recorded), found
    return found


def refused(line: bytes | dict[str, object]) -> str:
    found = parse_line(json.dumps(line).encode() if isinstance(line, dict) else line)
    assert isinstance(found, Unusable), found
    return found.problem


UPSTREAMINFO = " 412 0.004 [shop-web-80] [] 10.0.0.9:8080 2326 0.004 200 5f2c8e7d1a"
LOGS = [
    pytest.param(log("GET /a?b=1"), Recorded("GET", "", "/a?b=1"), id="combined"),
    pytest.param(
        log("GET /a", "https://a.test/", "curl/8.9"),
        Recorded("GET", "", "/a", (("referer", "https://a.test/"), ("user-agent", "curl/8.9"))),
        id="referer-and-agent",
    ),
    pytest.param(log("PUT /a", tail=UPSTREAMINFO), Recorded("PUT", "", "/a"), id="upstreaminfo"),
    pytest.param(log("GET /a", tail=' "203.0.113.9"'), Recorded("GET", "", "/a"), id="a-tail-of-ones-own"),
    pytest.param(f'{START}GET /a HTTP/2.0" 200 1'.encode(), Recorded("GET", "", "/a"), id="common"),
    pytest.param(
        b'2001:db8::1 - ada lovelace [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 401 - "-" "-"',
        Recorded("GET", "", "/"),
        id="user-with-a-blank",
    ),
    pytest.param(log(r"GET /\xC3\xA9"), Recorded("GET", "", "/%C3%A9"), id="escaped-utf-8"),
    pytest.param(log(r"GET /\xFF"), Recorded("GET", "", "/%FF"), id="escaped-byte"),
    pytest.param(log("GET /").replace(b"/ ", b"/\xff "), Recorded("GET", "", "/%FF"), id="raw-byte"),
    pytest.param(log(r"GET /a\x22b"), Recorded("GET", "", '/a"b'), id="escaped-quote"),
    pytest.param(log("GET /a b#c"), Recorded("GET", "", "/a%20b%23c"), id="what-no-request-line-holds"),
    pytest.param(log("GET //a/../b/%2e%2F%zz?"), Recorded("GET", "", "//a/../b/%2e%2F%zz?"), id="nothing-is-tidied"),
    pytest.param(
        log("GET /", agent=r"\xC3\xA9\x22"), Recorded("GET", "", "/", (("user-agent", 'é"'),)), id="agent-unescaped"
    ),
    pytest.param(
        log("GET http://a.test:81/x"), Recorded("GET", "a.test:81", "/x", (), b"", "http"), id="absolute-form"
    ),
]


@pytest.mark.parametrize(("line", "expected"), LOGS)
def test_logs(line: bytes, expected: Recorded) -> None:
    assert read(line) == expected


OURS = [
    pytest.param({"path": "/"}, Recorded("GET", "", "/"), id="the-least"),
    pytest.param(
        {"method": "POST", "url": "https://a.test/x?y=1", "headers": {"X-A": "1"}, "body": "é"},
        Recorded("POST", "a.test", "/x?y=1", (("x-a", "1"),), "é".encode(), "https"),
        id="url",
    ),
    pytest.param({"url": "https://ada:pw@a.test?q"}, Recorded("GET", "a.test", "/?q", (), b"", "https"), id="no-path"),
    pytest.param(
        {"method": "PUT", "path": "/", "host": "a.test:8080", "body_base64": "AP8="},
        Recorded("PUT", "a.test:8080", "/", (), b"\x00\xff"),
        id="base64",
    ),
    pytest.param({"path": "/", "headers": {"Host": "a.test"}}, Recorded("GET", "a.test", "/"), id="host-header"),
    pytest.param(
        {"url": "http://b.test/", "host": "a.test"}, Recorded("GET", "a.test", "/", scheme="http"), id="host-before-url"
    ),
    pytest.param(
        {"path": "/", "headers": {"a": ["1", "2"]}}, Recorded("GET", "", "/", (("a", "1"), ("a", "2"))), id="values"
    ),
    pytest.param(
        {"path": "/", "headers": [["a", "1"], ["A", "2"]]},
        Recorded("GET", "", "/", (("a", "1"), ("a", "2"))),
        id="pairs",
    ),
    pytest.param(
        {"path": "/", "headers": {"connection": "upgrade", "Content-Length": "5", "te": "x", ":path": "/x", "b": "1"}},
        Recorded("GET", "", "/", (("b", "1"),)),
        id="of-the-connection",
    ),
    pytest.param(
        {"start_time": "2026-11-21T09:00:00.000Z", "method": "GET", "path": "/a", "protocol": "HTTP/1.1",
         "response_code": 200, "authority": "a.test", "user_agent": "curl/8", "x_forwarded_for": None, "duration": 4},
        Recorded("GET", "a.test", "/a", (("user-agent", "curl/8"),)),
        id="envoy-as-istio-has-it",
    ),
    pytest.param(
        {":authority": "a.test", "method": "GET", "x-envoy-origin-path": "/a", "user-agent": "-", "response_code": "0"},
        Recorded("GET", "a.test", "/a"),
        id="envoy-gateway",
    ),
    pytest.param(
        {"request_method": "GET", "request_uri": "/a", "http_host": "a.test", "http_user_agent": "x",
         "scheme": "https"},
        Recorded("GET", "a.test", "/a", (("user-agent", "x"),), b"", "https"),
        id="nginx-in-json",
    ),
    pytest.param(
        {"request": "HEAD /a b?c=%20 HTTP/2.0", "http_host": "a.test", "status": "200"},
        Recorded("HEAD", "a.test", "/a%20b?c=%20"),
        id="the-request-line-in-json",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), OURS)
def test_json(line: dict[str, object], expected: Recorded) -> None:
    assert read(line) == expected


@pytest.mark.parametrize("line", [b"", b"  \r\n", b"# a comment", b"\xef\xbb\xbf"])
def test_lines_without_content(line: bytes) -> None:
    assert parse_line(line) is None


REFUSED = [
    pytest.param(b"hello", "expected a JSON object, or nginx's combined", id="neither"),
    pytest.param(log(r"\x16\x03\x01").replace(b" HTTP/1.1", b""), "no request here", id="not-http"),
    pytest.param(f'{START}" 400 0 "-" "-"'.encode(), "no request here", id="no-request"),
    pytest.param(log("GET example"), "the path is 'example'; expected one that starts with /", id="no-slash"),
    pytest.param(log("CONNECT a.test:443"), "cannot be sent again", id="connect"),
    pytest.param(log("OPTIONS *"), "cannot be sent again", id="star"),
    pytest.param(log(r"G\x00T /"), "the method is", id="method"),
    pytest.param(log("GET /", agent=r"\x1B[31m"), "user-agent holds control characters", id="agent"),
    pytest.param(b'{"path": "/"', "not JSON", id="cut"),
    pytest.param(b'{"a":' * 20_000, "not JSON", id="deep"),
    pytest.param({"method": "GET"}, "there is no url, path or request line", id="no-path"),
    pytest.param({"request": {"uri": "/"}}, "there is no url, path or request line", id="request-object"),
    pytest.param({"request": "GET /"}, "there is no url, path or request line", id="request-cut"),
    pytest.param({"path": 7}, "path is a number; expected a string", id="number"),
    pytest.param({"path": "/", "body": "x"}, "a body but no method", id="body-without-method"),
    pytest.param({"method": "POST", "path": "/", "body": {}}, "body is an object; expected a string", id="body-object"),
    pytest.param({"method": "POST", "path": "/", "body": "", "body_base64": ""}, "both body and", id="two-bodies"),
    pytest.param({"method": "POST", "path": "/", "body_base64": "?"}, "not base64", id="base64"),
    pytest.param({"path": "/", "host": "a b"}, "the host is 'a b'; expected NAME or NAME:PORT", id="host"),
    pytest.param({"path": "/", "host": "a..b"}, "the host is", id="empty-label"),
    pytest.param({"path": "/", "scheme": "ftp"}, "expected http or https", id="scheme"),
    pytest.param({"url": "ftp://a.test/"}, "expected one that starts with /", id="ftp"),
    pytest.param({"path": "/", "headers": "x"}, "headers is a string; expected an object", id="headers"),
    pytest.param({"path": "/", "headers": {"a": 1}}, "header 'a' is a number", id="header-number"),
    pytest.param({"path": "/", "headers": {"a b": "1"}}, "'a b' cannot be the name", id="header-name"),
    pytest.param({"path": "/", "headers": [["a"]]}, "something else than pairs", id="no-pairs"),
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_what_was_expected_is_said(line: bytes | dict[str, object], message: str) -> None:
    assert message in refused(line)


def test_too_long() -> None:
    assert "longer than 16 MiB" in refused(b"{" + b" " * MOST_BYTES + b"}")
    assert "longer than 256 KiB" in refused(log("GET /" + "a" * 300_000))


def test_values_of_headers_are_in_no_message() -> None:
    assert "sekrit" not in refused({"path": "/", "headers": {"authorization": "sekrit\r\nx: y"}})
    assert "sekrit" not in refused({"path": "/", "headers": [["cookie", "sekrit", "x"]]})
