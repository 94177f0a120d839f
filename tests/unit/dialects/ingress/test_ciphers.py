"""ssl-ciphers: OpenSSL's lists as Envoy's, never wider than they were written; and ssl-passthrough's values."""

from __future__ import annotations

import subprocess

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.grammar.openssl_ciphers import parse
from isthmus.dialects.ingress.nginx import ciphers, passthrough

A128, A256 = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (A128, (A128,)),
        (f"{A256}:{A128}", (A256, A128)),
        (f"{A256},{A128} AES128-SHA", (A256, A128, "AES128-SHA")),
        (f"{A128}:{A128}", (A128,)),
        (f"{A128}:{A256}:!{A128}", (A256,)),
        (f"!{A128}:{A128}:{A256}", (A256,)),
        (f"{A128}:{A256}:-{A128}:{A128}", (A256, A128)),
        (f"{A128}:{A256}:+{A128}", (A256, A128)),
        ("aRSA+AES256+AESGCM+ECDHE", (A256,)),
        ("AESGCM:!kRSA:!ECDSA", (A256, A128)),
        (f"{A128}:@STRENGTH", (A128,)),
        (f"{A128}:@SECLEVEL=2:!aNULL:!MD5:!DSS", (A128,)),
        ("aNULL", ()),
        ("", ()),
        ("::,,", ()),
        ("TLS_AES_128_GCM_SHA256", ()),
    ],
)
def test_lists(text: str, names: tuple[str, ...]) -> None:
    assert parse(text).names == names


def test_what_is_left_out_is_named() -> None:
    found = parse(f"DHE-RSA-AES256-SHA256:Nonsense:{A128}:AES128-SHA256")
    assert found.names == (A128,)
    assert found.absent == ("DHE-RSA-AES256-SHA256", "AES128-SHA256")
    assert found.unknown == ("Nonsense",)


@pytest.mark.parametrize(
    "text",
    [
        "HIGH",
        "HIGH:!aNULL:!MD5",
        "EECDH+AESGCM:EDH+AESGCM",
        "ECDHE+CHACHA20",
        "AES256:!SHA1",
        "ALL:!ECDHE",
        "ECDHE:-ECDSA",
        "AES+HIGH:!SSLv3",
        "RSA+AES",
        "AES128:+AESGCM",
        "TLSv1.2:!kRSA",
        "ECDSA:aRSA:!SHA",
    ],
)
def test_lists_are_read_as_openssl_reads_them(text: str) -> None:
    said = subprocess.run(["openssl", "ciphers", f"{text}:@SECLEVEL=0"], capture_output=True, text=True, check=True)
    known = parse("ALL").names
    ours = parse(text).names
    assert ours
    assert list(ours) == [name for name in said.stdout.strip().split(":") if name in known]


def test_a_list_that_envoy_has() -> None:
    found = drafted(ciphers.FEATURE, {"ssl-ciphers": f"{A128}:{A256}", "ssl-prefer-server-ciphers": "off"})
    assert (found.draft.host_tls.ciphers, found.draft.host_tls.client_order) == ((A128, A256), True)
    assert (found.codes, found.draft.closed) == ([], False)


def test_a_list_that_envoy_has_in_part() -> None:
    found = drafted(ciphers.FEATURE, {"ssl-ciphers": f"DHE-RSA-AES256-SHA:{A256}"})
    assert (found.draft.host_tls.ciphers, found.codes, found.draft.closed) == ((A256,), ["ISTH0190"], False)


@pytest.mark.parametrize("value", [*NONSENSE, "DHE-RSA-AES256-SHA", "aNULL", ":" * 60_000, "!" * 60_000])
def test_a_list_that_leaves_nothing_closes(value: str) -> None:
    found = drafted(ciphers.FEATURE, {"ssl-ciphers": value})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0124"])
    assert len(found.messages) < 500


@pytest.mark.parametrize(("value", "theirs"), [("on", False), ("True", False), ("off", True), ("false", True)])
def test_whose_order_counts(value: str, theirs: bool) -> None:
    found = drafted(ciphers.FEATURE, {"ssl-prefer-server-ciphers": value})
    assert (found.draft.host_tls.client_order, found.codes) == (theirs, [])


@pytest.mark.parametrize("value", NONSENSE)
def test_an_order_that_is_none(value: str) -> None:
    found = drafted(ciphers.FEATURE, {"ssl-prefer-server-ciphers": value})
    assert (found.draft.host_tls.client_order, found.codes, found.draft.closed) == (False, ["ISTH0114"], False)


@pytest.mark.parametrize(("value", "passed"), [("true", True), ("false", False)])
def test_passthrough(value: str, passed: bool) -> None:
    found = drafted(passthrough.FEATURE, {"ssl-passthrough": value})
    assert (found.draft.host_tls.passthrough, found.codes, found.draft.closed) == (passed, [], False)


@pytest.mark.parametrize("value", NONSENSE)
def test_passthrough_that_cannot_be_read_closes(value: str) -> None:
    found = drafted(passthrough.FEATURE, {"ssl-passthrough": value})
    assert (found.draft.host_tls.passthrough, found.codes, found.draft.closed) == (False, ["ISTH0124"], True)
