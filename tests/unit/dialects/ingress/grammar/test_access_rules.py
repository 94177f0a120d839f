"""nginx's allow and deny in order come to one list, and every address fares as the rules say."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.dialects.ingress.grammar.access_rules import Rule, sources
from isthmus.ir.policy import SourceRanges


def rules(text: str) -> list[Rule]:
    return [
        Rule(kind == "allow", source) for kind, source in (each.split() for each in text.split(";") if each.strip())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", SourceRanges()),
        ("allow all", SourceRanges()),
        ("deny all", SourceRanges(())),
        ("allow 10.0.0.0/8; deny all", SourceRanges(("10.0.0.0/8",))),
        ("deny 10.1.0.0/16; allow 10.0.0.0/15; deny all", SourceRanges(("10.0.0.0/16",))),
        ("deny 10.0.0.0/8", SourceRanges(None, ("10.0.0.0/8",))),
        ("deny 10.0.0.0/8; allow all; deny all", SourceRanges(None, ("10.0.0.0/8",))),
        ("allow 10.0.0.0/9; deny 10.0.0.0/8", SourceRanges(None, ("10.128.0.0/9",))),
        ("deny 10.0.0.1; allow 10.0.0.1; deny all", SourceRanges(())),
        ("allow 2001:db8::/32; deny all", SourceRanges(("2001:db8::/32",))),
    ],
)
def test_rules(text: str, expected: SourceRanges) -> None:
    assert sources(rules(text)) == expected


@pytest.mark.parametrize("source", ["", "x", "unix:", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "fe80::1%0", "$host", "ALL"])
def test_what_is_no_source_is_a_reason(source: str) -> None:
    assert isinstance(sources([Rule(True, source)]), str)


def test_rules_that_fall_into_too_many_parts_are_refused_soon() -> None:
    scattered = [Rule(False, f"2001:db8::{index:x}:1") for index in range(0, 600, 2)]
    assert isinstance(sources([*scattered, Rule(True, "2001::/16")]), str)


SOURCES = st.builds("10.{}.{}.0/{}".format, st.integers(0, 3), st.integers(0, 3), st.integers(8, 32)) | st.just("all")


@given(
    st.lists(st.builds(Rule, st.booleans(), SOURCES), max_size=8),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 9),
)
def test_every_address_fares_as_the_first_rule_says(listed: list[Rule], second: int, third: int, last: int) -> None:
    client = ipaddress.ip_address(f"10.{second}.{third}.{last}")
    first = next((rule for rule in listed if _fits(client, rule.source)), None)
    found = sources(listed)
    assert isinstance(found, SourceRanges)
    let_in = not _among(client, found.deny) and (found.allow is None or _among(client, found.allow))
    assert let_in == (first is None or first.allow)


def _fits(client: ipaddress.IPv4Address | ipaddress.IPv6Address, source: str) -> bool:
    return source == "all" or client in ipaddress.ip_network(source, strict=False)


def _among(client: ipaddress.IPv4Address | ipaddress.IPv6Address, ranges: tuple[str, ...]) -> bool:
    return any(client in ipaddress.ip_network(each) for each in ranges)
