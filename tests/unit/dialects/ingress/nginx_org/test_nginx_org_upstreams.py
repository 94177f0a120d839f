"""NGINX Inc's annotations about how backends are reached: defaults of their own, and values that fall back to them."""

from __future__ import annotations

import pytest
from nginx_org_drafts import HOSTILE, drafted

from isthmus.ir.action import Retry, Session
from isthmus.ir.backend import Balance, Ejection, Protocol
from isthmus.ir.template import Of, Variable

N = "nginx.org/"


def test_defaults() -> None:
    draft, found = drafted({})
    assert (draft.connect_timeout_ms, draft.read_timeout_ms, draft.send_timeout_ms) == (60_000, 60_000, 60_000)
    assert (draft.balance, draft.ejection, draft.max_connections) == (Balance.LEAST_REQUEST, Ejection(1, 10), 0)
    assert draft.retry == Retry(tries=0, on=("connect-failure", "reset", "timeout"))
    assert (draft.redirect_status, draft.ssl_redirect, draft.policy.max_body_bytes) == (301, True, 1 << 20)
    assert (found, draft.closed) == ((), False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("30s", 30_000), ("1m 30s", 90_000), ("90", 90_000), ("500ms", 500), (" 1h ", 3_600_000), ("1m500ms", 60_500)],
)
def test_times(value: str, expected: int) -> None:
    draft, found = drafted({N + "proxy-read-timeout": value, N + "proxy-connect-timeout": value})
    assert (draft.read_timeout_ms, draft.connect_timeout_ms, draft.timeouts_set, found) == (
        expected,
        expected,
        True,
        (),
    )


@pytest.mark.parametrize("value", [*HOSTILE, "0", "-1s", "1.5s", "1s1h", "2y", "30 s", "1e3", "9" * 400])
def test_times_that_are_none(value: str) -> None:
    result = drafted({N + "proxy-read-timeout": value})
    assert (result.draft.read_timeout_ms, result.codes) == (60_000, ["ISTH0114"])


CLIENT = (Variable(Of.CLIENT),)


@pytest.mark.parametrize(
    ("value", "balance", "key"),
    [
        ("round_robin", Balance.ROUND_ROBIN, ()),
        ("least_conn", Balance.LEAST_REQUEST, ()),
        ("random", Balance.RANDOM, ()),
        ("random two least_conn", Balance.LEAST_REQUEST, ()),
        ("  random   two ", Balance.LEAST_REQUEST, ()),
        ("ip_hash", Balance.HASH, CLIENT),
        ("hash $remote_addr", Balance.HASH, CLIENT),
        ("hash ${request_uri} consistent", Balance.HASH, (Variable(Of.TARGET),)),
        ("hash $cookie_a$arg_b", Balance.HASH, (Variable(Of.COOKIE, "a"), Variable(Of.PARAMETER, "b"))),
    ],
)
def test_lb_method(value: str, balance: Balance, key: tuple[Variable, ...]) -> None:
    draft, found = drafted({N + "lb-method": value})
    assert (draft.balance, draft.hash_key, found) == (balance, key, ())


def test_least_time_is_least_requests_and_says_so() -> None:
    result = drafted({N + "lb-method": "least_time header"})
    assert (result.draft.balance, result.codes) == (Balance.LEAST_REQUEST, ["ISTH0122"])


@pytest.mark.parametrize(
    "value",
    [*HOSTILE, "hash", "hash constant", "hash $a consistently", "hash $nobody", "hash $ssl_client_cert", "LEAST_CONN"],
)
def test_lb_methods_that_are_none(value: str) -> None:
    result = drafted({N + "lb-method": value})
    assert (result.draft.balance, result.draft.hash_key) == (Balance.LEAST_REQUEST, ())
    assert result.codes == ["ISTH0114"]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"max-fails": "3", "fail-timeout": "1m"}, Ejection(3, 60)),
        ({"max-fails": "0"}, None),
        ({"fail-timeout": "100ms"}, Ejection(1, 1)),
        ({"max-fails": "many"}, Ejection(1, 10)),
    ],
)
def test_failures(annotations: dict[str, str], expected: Ejection | None) -> None:
    assert drafted({N + key: value for key, value in annotations.items()}).draft.ejection == expected


def test_connections_and_cluster_addresses() -> None:
    draft, _ = drafted({N + "max-conns": "7", N + "use-cluster-ip": "true", N + "keepalive": "16"})
    assert (draft.max_connections, draft.cluster_ip) == (7, True)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"": "off"}, None),
        ({"": "error http_502 http_503"}, Retry(0, ("connect-failure", "reset"), (502, 503))),
        ({"": "timeout non_idempotent"}, Retry(0, ("timeout",), non_idempotent=True)),
        ({"-tries": "3", "-timeout": "0"}, Retry(3, ("connect-failure", "reset", "timeout"))),
        ({"-tries": "1"}, None),
        ({"-tries": "100"}, Retry(10, ("connect-failure", "reset", "timeout"))),
    ],
)
def test_retries(annotations: dict[str, str], expected: Retry | None) -> None:
    result = drafted({f"{N}proxy-next-upstream{key}": value for key, value in annotations.items()})
    assert (result.draft.retry, result.found) == (expected, ())


def test_a_limit_of_time_for_all_tries_is_said_to_differ() -> None:
    assert drafted({N + "proxy-next-upstream-timeout": "5s"}).codes == ["ISTH0122"]
    once = {N + "proxy-next-upstream-timeout": "5s", N + "proxy-next-upstream-tries": "1"}
    assert drafted(once).codes == []


@pytest.mark.parametrize("value", [*HOSTILE, "error timeuot", "http_599"])
def test_retries_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "proxy-next-upstream": value})
    assert result.draft.retry == Retry(tries=0, on=("connect-failure", "reset", "timeout"))
    assert result.codes == ["ISTH0114"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("backend.example.com", ("backend.example.com",)),
        ("a.test:8080", ("a.test:8080",)),
        ("$host", (Variable(Of.HOST),)),
    ],
)
def test_the_name_that_a_backend_is_called_by(value: str, expected: tuple[str | Variable, ...]) -> None:
    result = drafted({N + "upstream-vhost": value})
    assert (result.draft.host, result.codes) == (expected, [])


@pytest.mark.parametrize("value", [*(each for each in HOSTILE if each.strip()), "a b", "$nobody"])
def test_a_name_that_is_none_leaves_the_clients(value: str) -> None:
    result = drafted({N + "upstream-vhost": value})
    assert (result.draft.host, result.codes) == ((), ["ISTH0114"])


@pytest.mark.parametrize(("value", "expected"), [("1.0", None), ("1.1", None), ("2", Protocol.HTTP2)])
def test_versions_of_http(value: str, expected: Protocol | None) -> None:
    result = drafted({N + "proxy-http-version": value})
    assert (result.draft.protocol, result.codes) == (expected, [])


@pytest.mark.parametrize("value", [*HOSTILE, "3", "2.0"])
def test_versions_that_there_are_not(value: str) -> None:
    result = drafted({N + "proxy-http-version": value})
    assert (result.draft.protocol, result.codes) == (None, ["ISTH0114"])


STICKY = (
    "serviceName=coffee srv_id expires=1h domain=.example.com path=/c secure httponly samesite=lax;serviceName=tea t"
)


@pytest.mark.parametrize("prefix", ["nginx.org/", "nginx.com/"])
def test_sticky_cookies(prefix: str) -> None:
    key = prefix + "sticky-cookie-services"
    assert drafted({key: STICKY}).draft.session == Session("t", persistent=True)
    attributes = (("Domain", ".example.com"), ("Secure", ""), ("HttpOnly", ""), ("SameSite", "Lax"))
    expected = Session("srv_id", "/c", 3_600, attributes, persistent=True)
    assert drafted({key: STICKY}, service="coffee").draft.session == expected


def test_nginx_org_wins_over_nginx_com() -> None:
    both = {
        "nginx.org/sticky-cookie-services": "serviceName=tea a",
        "nginx.com/sticky-cookie-services": "serviceName=tea b",
    }
    result = drafted(both)
    assert result.draft.session == Session("a", persistent=True)
    assert result.codes == ["ISTH0181"]


@pytest.mark.parametrize(
    "value",
    [
        *(value for value in HOSTILE if value != "//"),
        "serviceName=tea",
        "tea srv_id",
        "serviceName=tea a b=c",
        "serviceName=tea a path=x",
        "serviceName=tea a expires=soon",
        "serviceName=tea a;b path=/;x",
        "serviceName=tea a$b",
        'serviceName=tea "a"',
        "serviceName=tea a domain=x,y",
    ],
)
def test_sticky_cookies_that_cannot_be_read(value: str) -> None:
    result = drafted({N + "sticky-cookie-services": value})
    assert (result.draft.session, result.codes) == (None, ["ISTH0114"])


def test_a_misspelt_service_is_reported() -> None:
    assert drafted({N + "sticky-cookie-services": "serviceName=teas a"}).codes == ["ISTH0117"]


def test_slow_start_only_where_the_balance_allows() -> None:
    assert drafted({"nginx.com/slow-start": "30s"}).draft.slow_start_ms == 30_000
    result = drafted({"nginx.com/slow-start": "30s", N + "lb-method": "ip_hash"})
    assert (result.draft.slow_start_ms, result.codes) == (0, ["ISTH0122"])


def test_services_and_their_protocols() -> None:
    listed = {N + "grpc-services": "tea", N + "ssl-services": "tea,coffee"}
    draft = drafted(listed).draft
    assert (draft.protocol, draft.tls) == (Protocol.HTTP2, True)
    assert (drafted(listed, service="coffee").draft.protocol, draft.body_limit_set) == (None, False)


def test_a_service_that_speaks_fastcgi_closes_its_own_paths() -> None:
    listed = {N + "fastcgi-services": "tea,teaa"}
    result = drafted(listed)
    assert (result.draft.closed, result.codes) == (True, ["ISTH0117", "ISTH0123"])
    assert not drafted(listed, service="coffee").draft.closed


@pytest.mark.parametrize(("value", "expected"), [("0", 0), ("8k", 8_192), ("2g", 2 << 30), ("huge", 1 << 20)])
def test_body_size(value: str, expected: int) -> None:
    draft = drafted({N + "client-max-body-size": value}).draft
    assert (draft.policy.max_body_bytes, draft.body_limit_set) == (expected, True)


def test_the_controllers_own_settings_are_defaults() -> None:
    result = drafted(
        {N + "proxy-send-timeout": "5s"}, settings={"proxy-read-timeout": "9s", "lb-method": "round_robin"}
    )
    draft = result.draft
    assert (draft.read_timeout_ms, draft.send_timeout_ms, draft.balance) == (9_000, 5_000, Balance.ROUND_ROBIN)
