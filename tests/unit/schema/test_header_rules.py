"""Which headers become metadata, which come back, and how long a call may take."""

import pytest

from isthmus.schema.header_rules import CONNECT, HeaderRules, deadline
from isthmus.schema.status import RefusedError


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("Authorization", "Bearer x", (("authorization", "Bearer x"),)),
        ("Grpc-Metadata-Tenant", "t", (("tenant", "t"),)),
        ("Grpc-Metadata-Blob-Bin", "AP8", (("blob-bin", b"\x00\xff"),)),
        ("X-B3-TraceId", "1", (("x-b3-traceid", "1"),)),
        ("Cookie", "a=b", ()),
        ("X-Other", "1", ()),
        ("Grpc-Metadata-X-Isthmus-Cluster", "other", ()),
        ("Grpc-Metadata-X-Envoy-Retry-On", "5xx", ()),
        ("Grpc-Metadata-Grpc-Timeout", "1H", ()),
        ("Grpc-Metadata-Host", "x", ()),
        ("Grpc-Metadata-", "x", ()),
        ("X-Mine", "1", (("x-mine", "1"),)),
        ("Y-Mine-Too", "1", (("y-mine-too", "1"),)),
    ],
)
def test_request(header: str, value: str, expected: object) -> None:
    assert HeaderRules().with_passed("X-Mine, y-mine-*").metadata([(header, value)]) == expected


def test_what_steers_the_gateway_never_passes() -> None:
    everything = HeaderRules(passed=("*",))
    steering = [
        ("X-Isthmus-Cluster", "a"),
        ("x-envoy-retry-on", "b"),
        ("grpc-timeout", "1S"),
        (":path", "/"),
        ("te", "x"),
    ]
    assert everything.metadata(steering) == () == CONNECT.metadata(steering)
    assert CONNECT.metadata([("Connect-Protocol-Version", "1"), ("Acme", "1"), ("Sec-Fetch-Mode", "x")]) == (
        ("acme", "1"),
    )


@pytest.mark.parametrize(
    ("header", "value"), [("grpc-metadata-a", "ü"), ("grpc-metadata-a-bin", "*"), ("grpc-metadata-a b", "1")]
)
def test_what_cannot_be_metadata_is_refused(header: str, value: str) -> None:
    with pytest.raises(RefusedError, match="header"):
        HeaderRules().metadata([(header, value)])


def test_answers() -> None:
    initial, trailers = (("a", "1"), ("blob-bin", b"\xff"), ("grpc-status", "0")), (("cost", "2"),)
    assert HeaderRules().headers(initial, trailers) == [
        ("a", "1"),
        ("blob-bin", "/w"),
        ("grpc-trailer-cost", "2"),
    ]
    hostile = (("content-length", "5"), ("connection", "close"), ("x", "y"))
    assert CONNECT.headers(hostile, trailers) == [("x", "y"), ("trailer-cost", "2")]


def test_only_listed_headers() -> None:
    rules = HeaderRules().with_passed("token, md-*", only=True)
    sent = [("MD-hello", "1"), ("echo-hello", "2"), ("token", "3"), ("authorization", "x"), ("grpc-metadata-a", "1")]
    assert rules.metadata(sent) == (("md-hello", "1"), ("token", "3"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([("grpc-timeout", "1500m")], 1.5),
        ([("Connect-Timeout-Ms", "250")], 0.25),
        ([("X-Server-Timeout", "2.5")], 2.5),
        ([("grpc-timeout", "1H"), ("x-server-timeout", "3")], 3.0),
        ([("connect-timeout-ms", "0")], 0.0),
    ],
)
def test_deadline(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert deadline(headers) == seconds


@pytest.mark.parametrize("value", ["", "1", "S", "-1S", "123456789S", "1x"])
def test_a_wrong_timeout_is_refused(value: str) -> None:
    for name, sent in (("grpc-timeout", value), ("connect-timeout-ms", value + "m"), ("x-server-timeout", value + "s")):
        with pytest.raises(RefusedError, match=name):
            deadline([(name, sent)])
