"""nginx's variables in values: which there are, how they are written, and what is said of others."""

from __future__ import annotations

import pytest

from isthmus.dialects.ingress.grammar.nginx_variables import parse, parse_question
from isthmus.ir.template import Of, Variable

NAMES = {"namespace": "shop", "proxy_upstream_name": "shop-web-80"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("plain", ("plain",)),
        ("$host", (Variable(Of.HOST),)),
        ("${host}", (Variable(Of.HOST),)),
        ("$HOST", (Variable(Of.HOST),)),
        ("a${host}b", ("a", Variable(Of.HOST), "b")),
        ("$host-$host", (Variable(Of.HOST), "-", Variable(Of.HOST))),
        ("$http_x_request_start", (Variable(Of.HEADER, "x-request-start"),)),
        ("$sent_http_Location", (Variable(Of.ANSWER_HEADER, "location"),)),
        ("$upstream_http_x_y", (Variable(Of.ANSWER_HEADER, "x-y"),)),
        ("$cookie_Session_Id", (Variable(Of.COOKIE, "Session_Id"),)),
        ("$arg_q", (Variable(Of.PARAMETER, "q"),)),
        ("$request_uri", (Variable(Of.TARGET),)),
        ("/new$is_args$args", ("/new", Variable(Of.QUERY_MARK), Variable(Of.QUERY))),
        ("$scheme://$host/", (Variable(Of.SCHEME), "://", Variable(Of.HOST), "/")),
        ("$scheme://$http_host/a", (Variable(Of.ORIGIN), "/a")),
        ("$pass_access_scheme://$best_http_host", (Variable(Of.ORIGIN),)),
        ("$binary_remote_addr", (Variable(Of.CLIENT),)),
        ("$ssl_protocol $upstream_addr", (Variable(Of.TLS_VERSION), " ", Variable(Of.ENDPOINT))),
        ("in $namespace!", ("in shop!",)),
        ("$proxy_upstream_name$namespace", ("shop-web-80shop",)),
        ("{}%(x)s %REQ(a)%", ("{}%(x)s %REQ(a)%",)),
        ("héllo", ("héllo",)),
    ],
)
def test_templates(text: str, expected: tuple[object, ...]) -> None:
    assert parse(text, NAMES) == expected


def test_constants_are_never_read_again() -> None:
    assert parse("$location_path", {"location_path": "/$host"}) == ("/$host",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$$host", "the $ at character 1 has no name"),
        ("cost: 5$", "the $ at character 8 has no name"),
        ("${host", "the $ at character 1 has no name"),
        ("${}", "the $ at character 1 has no name"),
        ("$-", "the $ at character 1 has no name"),
        ("/$1", "$1 is a group"),
        ("$hots", "did you mean host"),
        ("$remote_adr", "did you mean remote_addr"),
        ("$namespce", "did you mean namespace"),
        ("$cookie_", "there is no variable $cookie_"),
        ("$ssl_client_verify", "$ssl_client_verify has no equal"),
        ("$upstream_status", "has no equal"),
        ("a\r\nb", "control characters"),
        ("a\x00b", "control characters"),
        ("\x1b[31m", "control characters"),
        ("\ud800", "control characters"),
        ("x" * 8_193, "longer than"),
        ("$host" * 51, "more than 50"),
        ("$" + "z" * 8_000, "there is no variable $z"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    found = parse(text, NAMES)
    assert isinstance(found, str)
    assert reason in found
    assert len(found) < 200


@pytest.mark.parametrize("name", ["ssl_protocol", "upstream_addr", "remote_port", "msec", "ssl_client_fingerprint"])
def test_what_only_envoy_knows_is_in_no_question(name: str) -> None:
    found = parse_question(f"a${name}", NAMES)
    assert isinstance(found, str)
    assert "cannot be told to another server" in found
    assert parse_question("$host/$namespace", NAMES) == (Variable(Of.HOST), "/shop")
