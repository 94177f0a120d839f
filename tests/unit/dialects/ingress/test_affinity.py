"""affinity and session-cookie-*: the cookie that is asked for, and what is made of values that nobody can read."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.hosts.by_listener import on_listener
from isthmus.dialects.ingress.nginx import affinity, load_balance, protocol
from isthmus.dialects.ingress.view import View
from isthmus.ir.action import Forward, Respond, Session
from isthmus.ir.backend import Backend, Balance, ServicePortRef
from isthmus.ir.template import Of, Variable

FEATURE = affinity.FEATURE
COOKIE = {"affinity": "cookie"}
BALANCED = Session("INGRESSCOOKIE")


@pytest.mark.parametrize(
    ("given", "expected", "balance"),
    [
        ({}, None, Balance.ROUND_ROBIN),
        (COOKIE, BALANCED, Balance.HASH),
        ({**COOKIE, "affinity-mode": "balanced"}, BALANCED, Balance.HASH),
        ({**COOKIE, "affinity-mode": "persistent"}, Session("INGRESSCOOKIE", persistent=True), Balance.ROUND_ROBIN),
        ({**COOKIE, "session-cookie-name": "route"}, Session("route"), Balance.HASH),
        ({**COOKIE, "session-cookie-path": "/a"}, Session("INGRESSCOOKIE", "/a"), Balance.HASH),
        ({**COOKIE, "session-cookie-expires": "60"}, Session("INGRESSCOOKIE", ttl_s=60), Balance.HASH),
        ({**COOKIE, "session-cookie-max-age": "60"}, Session("INGRESSCOOKIE", ttl_s=60), Balance.HASH),
        (
            {**COOKIE, "session-cookie-expires": "9", "session-cookie-max-age": "60"},
            Session("INGRESSCOOKIE", ttl_s=60),
            Balance.HASH,
        ),
        (
            {
                **COOKIE,
                "session-cookie-domain": "example.com",
                "session-cookie-samesite": "strict",
                "session-cookie-partitioned": "true",
            },
            Session(
                "INGRESSCOOKIE",
                attributes=(("Domain", "example.com"), ("SameSite", "Strict"), ("Partitioned", "")),
            ),
            Balance.HASH,
        ),
    ],
)
def test_cookies(given: dict[str, str], expected: Session | None, balance: Balance) -> None:
    found = drafted(FEATURE, given)
    assert (found.draft.session, found.draft.balance, found.codes) == (expected, balance, [])


@pytest.mark.parametrize("value", ["", "ip", "cookies", "cookie;", "x" * 70_000, "\x00", "a\r\nb"])
def test_another_kind_of_affinity_is_reported(value: str) -> None:
    found = drafted(FEATURE, {"affinity": value})
    assert (found.draft, found.codes) == (Draft("web"), ["ISTH0114"])


NAMES = [each.name for each in FEATURE.annotations if each.name != "affinity"]
WITHOUT_EMPTY = {"session-cookie-name", "session-cookie-path", "session-cookie-domain", "session-cookie-samesite"}
SIGNS = {"session-cookie-name": {"-1", "nonsense", "1e3"}, "session-cookie-domain": {"nonsense", "1e3", "nil"}}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [*NONSENSE, "0", "-5", "a;b", "a b", 'a"b', "a,b", "ä", "9" * 30])
def test_what_cannot_be_read_falls_back(name: str, value: str) -> None:
    found = drafted(FEATURE, {**COOKIE, name: value})
    if "ISTH0114" in found.codes or (not value.strip() and name in WITHOUT_EMPTY):
        assert found.draft.session == BALANCED
    else:  # few of these are sensible for few annotations
        shown = str(found.draft.session) + str(found.draft.session_secure)
        assert name in ("session-cookie-name", "session-cookie-domain") or value == "0", shown
    assert not found.draft.closed


def test_no_attribute_gets_in_through_another() -> None:
    for name in ("name", "path", "domain", "samesite"):
        for text in ("/a; Secure", "a; Domain=evil", "a=b", "/a\r\nset-cookie: x=y", "None; x"):
            assert drafted(FEATURE, {**COOKIE, f"session-cookie-{name}": text}).draft.session == BALANCED


@pytest.mark.parametrize("name", NAMES)
def test_alone_they_count_for_nothing(name: str) -> None:
    found = drafted(FEATURE, {name: "true"})
    assert (found.draft, found.codes) == (Draft("web"), ["ISTH0150"])


@pytest.mark.parametrize(
    "given",
    [
        {"session-cookie-change-on-failure": "true"},
        {"session-cookie-conditional-samesite-none": "true", "session-cookie-samesite": "None"},
    ],
)
def test_differences_are_said(given: dict[str, str]) -> None:
    assert drafted(FEATURE, {**COOKIE, **given}).codes == ["ISTH0122"]
    assert drafted(FEATURE, {**COOKIE, **{key: "false" for key in given if "samesite" not in key}}).codes == []


def test_regular_expressions_want_a_path() -> None:
    def mark(_: View, draft: Draft) -> Draft:
        return Draft(draft.service, regex=True)

    regex = Feature("regex", "", (), mark, always=True)
    assert drafted((regex, FEATURE), COOKIE).codes == ["ISTH0122"]
    assert drafted((regex, FEATURE), {**COOKIE, "session-cookie-path": "/"}).codes == []


def test_a_cookie_beats_a_hash() -> None:
    both = (load_balance.FEATURE, FEATURE)
    given = {**COOKIE, "upstream-hash-by": "$request_uri", "load-balance": "ewma"}
    assert drafted(both, {"upstream-hash-by": "$request_uri"}).draft.hash_key == (Variable(Of.TARGET),)
    balanced, persistent = drafted(both, given).draft, drafted(both, {**given, "affinity-mode": "persistent"}).draft
    assert (balanced.hash_key, balanced.balance, balanced.session) == ((), Balance.HASH, BALANCED)
    assert (persistent.hash_key, persistent.balance) == ((), Balance.ROUND_ROBIN)


BACKEND = Backend(ServicePortRef("shop", "web", 80))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, (False, True)), ("true", (True, True)), ("false", (False, False)), ("x", (False, False))],
)
def test_cookies_are_secure_over_tls_or_as_somebody_says(value: str | None, expected: tuple[bool, bool]) -> None:
    draft = drafted(FEATURE, {**COOKIE, **({"session-cookie-secure": value} if value else {})}).draft
    found = [on_listener(Forward(BACKEND, session=draft.session), draft, tls) for tls in (False, True)]
    attributes = [each.session.attributes for each in found if isinstance(each, Forward) and each.session is not None]
    assert tuple(("Secure", "") in each for each in attributes) == expected


def test_sessions_of_others_are_not_made_secure() -> None:
    session = Session("plus", "/", persistent=True)
    draft = Draft("web", session=session)
    action = Forward(BACKEND, session=session)
    assert on_listener(action, draft, tls=True) == action
    assert on_listener(Respond(503, "closed"), draft, tls=True) == Respond(503, "closed")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("AUTO_HTTP", (False, True)), ("auto_http", (False, True)), ("HTTPS", (True, True)), ("HTTP", (False, False))],
)
def test_auto_http_goes_by_the_clients_scheme(value: str, expected: tuple[bool, bool]) -> None:
    drafted_ = drafted(protocol.FEATURE, {"backend-protocol": value})
    action = Forward(Backend(BACKEND.service, tls=drafted_.draft.tls))
    found = [on_listener(action, drafted_.draft, tls) for tls in (False, True)]
    assert tuple(each.backend.tls for each in found if isinstance(each, Forward)) == expected
    assert drafted_.codes == []
