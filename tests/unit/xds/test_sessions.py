"""Cookies by which clients stay: what a manifest says in them is text, never a command."""

from __future__ import annotations

import pytest

from isthmus.ir.action import Session
from isthmus.xds import api
from isthmus.xds.sessions import balance_by_request, side_cookie


def fresh(session: Session) -> api.Route:
    message = api.Route(route={"hash_policy": [{"cookie": {"name": session.cookie, "ttl": {"seconds": 0}}}]})
    balance_by_request(message, session)
    return message


def test_the_first_request_is_balanced_by_what_becomes_the_cookie() -> None:
    session = Session("a.b", "/c", 60, (("SameSite", "None"), ("Secure", "")))
    message = fresh(session)
    cookie, identifier = message.route.hash_policy
    assert (cookie.cookie.name, cookie.cookie.HasField("ttl"), cookie.terminal) == ("a.b", False, True)
    assert identifier.header.header_name == "x-request-id"
    (header,) = message.response_headers_to_add
    assert header.header.key == "set-cookie"
    assert r"a.b=\\1; Max-Age=60; Path=/c; SameSite=None; Secure; HttpOnly'" in header.header.value


@pytest.mark.parametrize(
    "session",
    [
        Session("a'b"),
        Session("a%b"),
        Session("a)b"),
        Session("a", "/x'y"),
        Session("a", "/x\\1"),
        Session("a", "/x%REQ(a)%"),
        Session("a", "/", 0, (("Domain", "a'b"),)),
        Session("a", "/", 0, (("Domain", "ä"),)),
    ],
)
def test_what_could_be_a_command_is_left_to_envoys_own_cookie(session: Session) -> None:
    message = fresh(session)
    assert not message.response_headers_to_add
    assert [each.cookie.HasField("ttl") for each in message.route.hash_policy] == [True]


def test_the_other_cookie_is_text() -> None:
    (header,) = side_cookie(Session("a%b", "/%REQ(x)%"), "0123")
    assert header.header.value == "a%%b-canary=0123; Path=/%%REQ(x)%%; HttpOnly"


@pytest.mark.parametrize(("session", "mark"), [(None, "0123"), (Session("a"), "")])
def test_without_affinity_or_a_choice_there_is_none(session: Session | None, mark: str) -> None:
    assert side_cookie(session, mark) == []
