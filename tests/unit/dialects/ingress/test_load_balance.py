"""load-balance and upstream-hash-by: how an endpoint is chosen; what cannot be read falls back."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.nginx.load_balance import FEATURE
from isthmus.ir.backend import Balance
from isthmus.ir.template import Of, Template, Variable

CLIENT = Variable(Of.CLIENT)


@pytest.mark.parametrize(
    ("given", "balance", "codes"),
    [
        ({}, Balance.ROUND_ROBIN, []),
        ({"load-balance": "round_robin"}, Balance.ROUND_ROBIN, []),
        ({"load-balance": "ewma"}, Balance.LEAST_REQUEST, ["ISTH0122"]),
        ({"load-balance": "EWMA"}, Balance.LEAST_REQUEST, ["ISTH0122"]),
    ],
)
def test_methods(given: dict[str, str], balance: Balance, codes: list[str]) -> None:
    found = drafted(FEATURE, given)
    assert (found.draft.balance, found.draft.hash_key, found.codes) == (balance, (), codes)


def test_the_controllers_config_map_has_a_default() -> None:
    assert drafted(FEATURE, {}, {"load-balance": "ewma"}).draft.balance is Balance.LEAST_REQUEST
    found = drafted(FEATURE, {"load-balance": "round_robin"}, {"load-balance": "ewma"})
    assert found.draft.balance is Balance.ROUND_ROBIN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$request_uri", (Variable(Of.TARGET),)),
        ("$uri", (Variable(Of.PATH),)),
        ("$uri$is_args$args", (Variable(Of.PATH), Variable(Of.QUERY))),
        ("$query_string", (Variable(Of.QUERY),)),
        ("$host", (Variable(Of.HOST),)),
        ("$remote_addr", (CLIENT,)),
        ("$binary_remote_addr", (CLIENT,)),
        ("$http_x_user", (Variable(Of.HEADER, "x-user"),)),
        ("$cookie_sid", (Variable(Of.COOKIE, "sid"),)),
        ("${arg_tenant}", (Variable(Of.PARAMETER, "tenant"),)),
        ("$remote_addr-$host", (CLIENT, Variable(Of.HOST))),
        ("$namespace/$http_x", (Variable(Of.HEADER, "x"),)),
    ],
)
def test_hash_keys(value: str, expected: Template) -> None:
    found = drafted(FEATURE, {"upstream-hash-by": value, "load-balance": "round_robin"})
    assert (found.draft.balance, found.draft.hash_key, found.codes) == (Balance.HASH, expected, [])


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "$service_name",
        "$host$is_args",
        "$nothing",
        "$",
        "$1",
        "$request_id",
        "$ssl_client_s_dn",
        "$upstream_addr$host",
        "a\r\n$host",
        "\x00$host",
        "$host" * 51,
        "$host" + "x" * 70_000,
    ],
)
def test_keys_that_cannot_be_hashed_fall_back(value: str) -> None:
    found = drafted(FEATURE, {"upstream-hash-by": value})
    assert (found.draft.balance, found.draft.hash_key, found.codes) == (Balance.ROUND_ROBIN, (), ["ISTH0114"])


def test_subsets_are_said_to_be_smaller() -> None:
    given = {"upstream-hash-by": "$host", "upstream-hash-by-subset": "true", "upstream-hash-by-subset-size": "2"}
    found = drafted(FEATURE, given)
    assert (found.draft.hash_key, found.codes) == ((Variable(Of.HOST),), ["ISTH0122"])
    assert drafted(FEATURE, {**given, "upstream-hash-by-subset": "false"}).codes == []


@pytest.mark.parametrize("name", ["upstream-hash-by-subset", "upstream-hash-by-subset-size"])
def test_subsets_without_a_hash_are_reported(name: str) -> None:
    assert "ISTH0150" in drafted(FEATURE, {name: "1"}).codes


@pytest.mark.parametrize("name", ["load-balance", "upstream-hash-by-subset", "upstream-hash-by-subset-size"])
@pytest.mark.parametrize("value", NONSENSE)
def test_what_cannot_be_read_falls_back(name: str, value: str) -> None:
    found = drafted(FEATURE, {"upstream-hash-by": "$host", name: value})
    assert (found.draft.balance, found.draft.closed, found.codes) == (Balance.HASH, False, ["ISTH0114"])
