"""Which texts are hosts of a rule."""

from __future__ import annotations

import pytest

from isthmus.dialects.ingress.claims import is_host


@pytest.mark.parametrize("host", ["a", "a.b", "*.a", "*.a.b-c.d", "1.example", "xn--bcher-kva.example", "a" * 63])
def test_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "*", "*a.b", "a.*", "a.*.b", "*.*.b", "A.b", "a..b", ".a", "a.", "-a.b", "a-.b", "a_b.c", "a b"),
        *("a\n", "a:80", "10.0.0.1", "a/b", "a\x00", "é.fr", "a" * 254),
    ],
)
def test_no_hosts(host: str) -> None:
    assert not is_host(host)
