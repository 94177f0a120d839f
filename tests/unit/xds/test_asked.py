"""What a route asks of requests, in words; and redirects whose target a request fills."""

from __future__ import annotations

import pytest

from isthmus.ir.action import Forward, SendTo, Session
from isthmus.ir.authorization import Authorization, digest
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.match import Condition, Match, Prefix
from isthmus.ir.policy import HeaderEdit, Policy, RateLimit, SourceRanges
from isthmus.ir.template import Of, Variable
from isthmus.kube.refs import ObjectRef
from isthmus.xds import api
from isthmus.xds.asked import asked
from isthmus.xds.route import emit_route
from isthmus.xds.route_match import mismatch
from isthmus.xds.routes import emit_host
from isthmus.xds.simulate import Request, filled
from isthmus.xds.text import format_of

FORWARD = Forward(Backend(ServicePortRef("n", "s", 80)))
ORIGIN = Origin(ObjectRef("Ingress", "n", "i"))
CLIENT = (Variable(Of.CLIENT),)


def words(policy: Policy, action: Forward = FORWARD) -> tuple[str, ...]:
    scope = emit_host(HostConfig("http", "a.test", (Route(Match(Prefix("/")), action, ORIGIN, policy),)))
    (host,) = api.ScopedRouteConfiguration.FromString(scope.body).route_configuration.virtual_hosts
    return asked(host.routes[0], host.typed_per_filter_config)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy(), ()),
        (Policy(sources=SourceRanges(("10.0.0.0/8", "::1/128"))), ("the client's address is in 10.0.0.0/8, ::1/128",)),
        (Policy(sources=SourceRanges(deny=("10.0.0.0/8",))), ("the client's address is not in 10.0.0.0/8",)),
        (Policy(sources=SourceRanges(())), ("nobody may come",)),
        (Policy(max_body_bytes=9), ("the body has at most 9 bytes",)),
        (Policy(answer_bytes_per_s=2048), ("answers at 2 KiB a second",)),
        (
            Policy(authorization=Authorization("p", common_name="CN=a")),
            ("the subject of the client's certificate is like CN=a",),
        ),
        (
            Policy(authorization=Authorization("p")),
            (f"the authorization helper agrees (policy {digest(Authorization('p'))})",),
        ),
        (
            Policy(limits=(RateLimit(10, 1_000, 49, CLIENT),)),
            ("at most 50 requests at once, 1 every 0.1 s for each remote_address, else 503",),
        ),
        (
            Policy(limits=(RateLimit(100, 1_000, 0, (), dry_run=True, status=429),)),
            ("at most 5 requests at once, 5 every 0.05 s, only counted, else 429",),
        ),
    ],
)
def test_in_words(policy: Policy, said: tuple[str, ...]) -> None:
    assert words(policy) == said


def test_order_is_nginx_order() -> None:
    policy = Policy(
        sources=SourceRanges(("10.0.0.0/8",)),
        limits=(RateLimit(1, 1000),),
        authorization=Authorization("p"),
        max_body_bytes=1,
        answer_headers=(HeaderEdit("x", ("y",)),),
    )
    found = words(policy, Forward(FORWARD.backend, session=Session("c", persistent=True)))
    starts = ["headers", "at most 1", "the client's", "the authorization", "the body", "clients stay"]
    assert [text.startswith(start) for text, start in zip(found, starts, strict=True)] == [True] * 6


def test_a_redirect_is_filled() -> None:
    action = SendTo(("100% https://", Variable(Of.HOST), Variable(Of.TARGET)))
    message = emit_route(Route(Match(Prefix("/")), action, ORIGIN))
    text = message.response_headers_to_add[0].header.value
    assert filled(text, Request("a.test", "/b?c=d")) == "100% https://a.test/b?c=d"


@pytest.mark.parametrize("name", ["a)%", "x%REQ(y)%", "", "a b", "a\r\nb", "ä"])
@pytest.mark.parametrize("of", [Of.HEADER, Of.ANSWER_HEADER, Of.COOKIE, Of.PARAMETER])
def test_a_name_never_becomes_a_command(of: Of, name: str) -> None:
    assert format_of((Variable(of, name),)) == ""


def test_text_never_becomes_a_command() -> None:
    assert format_of(("%REQ(authorization)%",)) == "%%REQ(authorization)%%"


CONDITIONS = [
    (Condition("header", "x", "a"), {"x": "a"}, True),
    (Condition("header", "x", "a"), {"x": "b"}, False),
    (Condition("header", "x", "a"), {}, False),
    (Condition("header", "x", "a", negated=True), {}, True),
    (Condition("header", "x", "a+", regex=True), {"x": "aa"}, True),
    (Condition("cookie", "c", "1"), {"cookie": "b=2; c=1"}, True),
    (Condition("cookie", "c", "1"), {"cookie": "cc=1"}, False),
    (Condition("cookie", "c", "1", negated=True), {"cookie": "c=1"}, False),
]


@pytest.mark.parametrize(("condition", "headers", "fits"), CONDITIONS)
def test_conditions(condition: Condition, headers: dict[str, str], fits: bool) -> None:
    match = emit_route(Route(Match(Prefix("/"), conditions=(condition,)), FORWARD, ORIGIN)).match
    assert isinstance(match, api.RouteMatch)
    assert (mismatch(match, "/", headers.get) is None) is fits
