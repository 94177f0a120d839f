"""auth-url and its kin: what another server is asked, and what closes the path."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, Drafted, drafted

from isthmus.dialects.ingress.grammar.header_names import NAME
from isthmus.dialects.ingress.nginx.external_auth import FEATURE
from isthmus.ir.authorization import CacheTime, Question
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import ConfigMap, Meta, Service, ServicePort, ServiceSpec

AUTH = Service(metadata=Meta("auth", "shop"), spec=ServiceSpec(ports=(ServicePort(80),)))
URL = {"auth-url": "http://auth.shop.svc/check?u=$escaped_request_uri"}
BACKEND = Backend(ServicePortRef("shop", "auth", 80))
ORIGIN, TARGET = Variable(Of.ORIGIN), Variable(Of.ESCAPED_TARGET)
RESTRICTING = ("auth-url", "auth-method", "auth-response-headers", "auth-proxy-set-headers", "auth-cache-duration")


def asked(annotations: dict[str, str], settings: dict[str, str] | None = None, **headers: str) -> Drafted:
    config = ConfigMap(metadata=Meta("headers", "shop"), data=headers)
    return drafted(FEATURE, annotations, settings, objects=[AUTH, config])


def question(annotations: dict[str, str], settings: dict[str, str] | None = None, **headers: str) -> Question:
    found = asked(annotations, settings, **headers)
    assert (found.draft.closed, found.codes) == (False, [])
    policy = found.draft.policy.authorization
    assert policy is not None and policy.question is not None
    return policy.question


def test_the_least() -> None:
    assert question(URL) == Question(
        BACKEND, ("auth.shop.svc",), ("/check?u=", TARGET), cache_times=(CacheTime((200, 202, 401), 300),)
    )


def test_everything() -> None:
    more = {
        "auth-method": "POST",
        "auth-signin": "https://login.test/start",
        "auth-response-headers": "X-User, X-Role,X-User,",
        "auth-proxy-set-headers": "headers",
        "auth-request-redirect": "https://$host/back",
        "auth-always-set-cookie": "true",
        "auth-cache-key": "$cookie_s$http_authorization",
        "auth-cache-duration": "200 5m, 401 1s, any 1h 30m",
    }
    found = question({**URL, **more}, **{"X-Name": "$ingress_name", "Host": "inner.test", "Cookie": ""})
    assert found == Question(
        BACKEND,
        ("inner.test",),
        ("/check?u=", TARGET),
        method="POST",
        sign_in=("https://login.test/start?rd=", ORIGIN, TARGET),
        redirect_header=("https://", Variable(Of.HOST), "/back"),
        pass_headers=("X-User", "X-Role"),
        set_headers=(("cookie", ()), ("x-name", ("web",))),
        cookies_always=True,
        cache_key=(Variable(Of.COOKIE, "s"), Variable(Of.HEADER, "authorization")),
        cache_times=(CacheTime((200,), 300), CacheTime((401,), 1), CacheTime((), 5400)),
    )


@pytest.mark.parametrize(
    ("url", "parameter", "expected"),
    [
        ("/in", None, ("/in?rd=", ORIGIN, TARGET)),
        ("/in?a=b", None, ("/in?a=b&rd=", ORIGIN, TARGET)),
        ("/in?", None, ("/in?rd=", ORIGIN, TARGET)),
        ("/in?rd=/x", None, ("/in?rd=/x",)),
        ("/in?rd=$escaped_request_uri", None, ("/in?rd=", TARGET)),
        ("/in?rd=", None, ("/in?rd=&rd=", ORIGIN, TARGET)),
        ("/in?xrd=1", None, ("/in?xrd=1&rd=", ORIGIN, TARGET)),
        ("/in?rd=1", "next", ("/in?rd=1&next=", ORIGIN, TARGET)),
        ("https://$host/in", None, ("https://", Variable(Of.HOST), "/in?rd=", ORIGIN, TARGET)),
        ("$scheme://$http_host/in", None, (ORIGIN, "/in?rd=", ORIGIN, TARGET)),
    ],
)
def test_sign_in(url: str, parameter: str | None, expected: tuple[str | Variable, ...]) -> None:
    more = {"auth-signin-redirect-param": parameter} if parameter else {}
    assert question({**URL, "auth-signin": url, **more}).sign_in == expected


@pytest.mark.parametrize(
    "url", [*(each for each in NONSENSE if each.strip()), "javascript:alert(1)", "$arg_x", "$nothing"]
)
def test_a_place_to_sign_in_that_is_none_leaves_a_401(url: str) -> None:
    found = asked({**URL, "auth-signin": url})
    policy = found.draft.policy.authorization
    assert policy is not None and policy.question is not None
    assert (policy.question.sign_in, found.draft.closed, found.codes) == ((), False, ["ISTH0114"])


@pytest.mark.parametrize("key", ["$remote_user", "${remote_user}x", "$REMOTE_USER"])
def test_a_user_name_in_a_cache_key_keeps_users_apart(key: str) -> None:
    found = question({**URL, "auth-cache-key": key})
    assert found.cache_key[0] == Variable(Of.HEADER, "authorization")


def test_a_cache_key_that_cannot_be_read_keeps_nothing() -> None:
    found = asked({**URL, "auth-cache-key": "$remote_users"})
    policy = found.draft.policy.authorization
    assert policy is not None and policy.question is not None
    assert (policy.question.cache_key, found.draft.closed, found.codes) == ((), False, ["ISTH0114"])


@pytest.mark.parametrize("key", RESTRICTING)
@pytest.mark.parametrize("value", [each for each in NONSENSE if each.strip() and not NAME.fullmatch(each)])
def test_nonsense_closes_the_path(key: str, value: str) -> None:
    found = asked({**URL, key: value})
    assert found.draft.closed
    assert found.codes


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_url_closes_the_path(value: str) -> None:
    assert asked({"auth-url": value}).draft.closed


@pytest.mark.parametrize(
    ("annotations", "headers", "code"),
    [
        ({"auth-url": "http://nobody.shop.svc/"}, {}, "ISTH0171"),
        ({"auth-url": "http://127.0.0.1/"}, {}, "ISTH0171"),
        ({"auth-proxy-set-headers": "missing"}, {}, "ISTH0125"),
        ({"auth-proxy-set-headers": "other/headers"}, {}, "ISTH0123"),
        ({"auth-proxy-set-headers": "headers"}, {"X-A": "$nothing"}, "ISTH0126"),
        ({"auth-proxy-set-headers": "headers"}, {"X-A": "a\r\nb"}, "ISTH0126"),
        ({"auth-proxy-set-headers": "headers"}, {"Content-Length": "1"}, "ISTH0126"),
        ({"auth-proxy-set-headers": "headers"}, {"X-Isthmus-Cluster": "other"}, "ISTH0126"),
        ({"auth-response-headers": "X-A, Transfer-Encoding"}, {}, "ISTH0124"),
        ({"auth-response-headers": "x-envoy-retry-on"}, {}, "ISTH0124"),
        ({"auth-response-headers": ":path"}, {}, "ISTH0124"),
        ({"auth-method": "CONNECT"}, {}, "ISTH0124"),
        ({"auth-method": "get"}, {}, "ISTH0124"),
        ({"auth-cache-duration": "5m 200"}, {}, "ISTH0124"),
        ({"auth-cache-duration": "200"}, {}, "ISTH0124"),
    ],
)
def test_what_closes_the_path(annotations: dict[str, str], headers: dict[str, str], code: str) -> None:
    found = asked({**URL, **annotations}, **headers)
    assert found.draft.closed
    assert found.codes == [code]


def test_without_a_url_nothing_is_asked_and_said_so() -> None:
    found = asked({"auth-signin": "https://login.test/", "auth-response-headers": "X-User"})
    assert (found.draft.policy.authorization, found.draft.closed, found.codes) == (None, False, ["ISTH0121"])


def test_connections_to_the_server() -> None:
    found = question({**URL, "auth-keepalive-requests": "10", "auth-keepalive-timeout": "5"})
    assert found.backend is not None
    assert (found.backend.requests_per_connection, found.backend.idle_connection_ms) == (10, 5000)


GLOBAL = {
    "global-auth-url": "http://auth.shop.svc/global",
    "global-auth-signin": "https://login.test/",
    "global-auth-response-headers": "X-Global",
}


def test_the_controllers_server_is_asked_for_everybody() -> None:
    found = question({}, GLOBAL)
    assert (found.path, found.pass_headers) == (("/global",), ("X-Global",))
    assert found.sign_in == ("https://login.test/?rd=", ORIGIN, TARGET)


def test_an_own_server_takes_its_place_whole() -> None:
    found = question(URL, GLOBAL)
    assert (found.path[0], found.pass_headers, found.sign_in) == ("/check?u=", (), ())


@pytest.mark.parametrize(("value", "asks"), [("false", False), ("0", False), ("true", True), ("nonsense", True)])
def test_opting_out(value: str, asks: bool) -> None:
    found = asked({"enable-global-auth": value}, GLOBAL)
    assert (found.draft.policy.authorization is not None) is asks


def test_a_broken_server_of_the_controller_closes_everybodys_paths() -> None:
    found = asked({}, {"global-auth-url": "nonsense"})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0171"])
    assert not asked({"enable-global-auth": "false"}, {"global-auth-url": "nonsense"}).draft.closed
    assert not asked(URL, {"global-auth-url": "nonsense"}).draft.closed
