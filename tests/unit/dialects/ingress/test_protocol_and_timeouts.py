"""backend-protocol, proxy-http-version and the timeouts: what is asked, and what nobody can read."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx import protocol, timeouts
from isthmus.ir.backend import Protocol

HTTP1, HTTP2 = Protocol.HTTP1, Protocol.HTTP2
TIMES = ("proxy-connect-timeout", "proxy-read-timeout", "proxy-send-timeout")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("HTTP", (HTTP1, False, False)),
        ("http", (HTTP1, False, False)),
        ("HTTPS", (HTTP1, True, False)),
        ("AUTO_HTTP", (HTTP1, False, True)),
        ("GRPC", (HTTP2, False, False)),
        ("Grpcs", (HTTP2, True, False)),
    ],
)
def test_protocols(value: str, expected: tuple[Protocol, bool, bool]) -> None:
    found = drafted(protocol.FEATURE, {"backend-protocol": value})
    draft = found.draft
    assert ((draft.protocol, draft.tls, draft.tls_as_client), found.codes) == (expected, [])


@pytest.mark.parametrize("value", [*NONSENSE, "H2C", "HTTP2", "GRPC;", "AJP"])
def test_protocols_that_are_none_mean_http(value: str) -> None:
    found = drafted(protocol.FEATURE, {"backend-protocol": value})
    assert (found.draft.protocol, found.draft.tls, found.draft.closed) == (HTTP1, False, False)
    assert found.codes == ["ISTH0114"]


def test_fastcgi_closes() -> None:
    found = drafted(protocol.FEATURE, {"backend-protocol": "FCGI"})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0123"])


@pytest.mark.parametrize(
    ("value", "codes"),
    [("1.1", []), ("1.0", ["ISTH0122"]), *((value, ["ISTH0114"]) for value in (*NONSENSE, "2", "1.1 "[:2]))],
)
def test_versions_of_http(value: str, codes: list[str]) -> None:
    found = drafted(protocol.FEATURE, {"proxy-http-version": value})
    assert (found.draft, found.codes) == (Draft("web"), codes)
    assert drafted(protocol.FEATURE, {}, {"proxy-http-version": value}).codes == codes


def test_timeouts() -> None:
    found = drafted(timeouts.FEATURE, dict(zip(TIMES, ("1", "2", "3600"), strict=True)))
    draft = found.draft
    assert (draft.connect_timeout_ms, draft.read_timeout_ms, draft.send_timeout_ms) == (1_000, 2_000, 3_600_000)
    assert (draft.timeouts_set, found.codes) == (True, [])
    settings = drafted(timeouts.FEATURE, {"proxy-read-timeout": "9"}, {"proxy-read-timeout": "5", TIMES[0]: "7"}).draft
    assert (settings.read_timeout_ms, settings.connect_timeout_ms) == (9_000, 7_000)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [*NONSENSE, "0", "60s", "1m", "0.5", "31536001", "9" * 400])
def test_timeouts_that_are_none_fall_back(name: str, value: str) -> None:
    found = drafted(timeouts.FEATURE, {name: value})
    draft = found.draft
    assert (draft.connect_timeout_ms, draft.read_timeout_ms, draft.send_timeout_ms) == (5_000, 60_000, 60_000)
    assert found.codes == ["ISTH0114"]
