"""A path is matched however it is written: what is protected as /@me is not open as /%40me."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gateways import ask, http_echoes
from static_envoy import HOST, ORIGIN, local, serving

from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Exact, Match, PathMatch, Prefix, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.ir.policy import Policy, SourceRanges
from isthmus.xds.encoded_paths import encoded

NOBODY = Policy(sources=SourceRanges(allow=()))
PATHS: tuple[PathMatch, ...] = (
    SegmentPrefix("/users/@me"),
    Exact("/a:b"),
    Prefix("/a+b"),
    SegmentPrefix("/caf%C3%A9"),
    Exact("/c%3Ad"),
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http_echoes("web") as echoes:
        forward = Forward(local(echoes["web"]))
        routes = [Route(Match(path), forward, ORIGIN, NOBODY) for path in PATHS]
        with serving(ordered([*routes, Route(Match(SegmentPrefix("/")), forward, ORIGIN)])) as running:
            yield running


@pytest.mark.parametrize("path", ["/users/@me", "/users/@me/x", "/a:b", "/a+bc", "/caf%C3%A9", "/caf%C3%A9/x"])
def test_written_plainly(port: int, path: str) -> None:
    assert ask(port, HOST, path).status == 403


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/users/%40me", "/users/@me"),
        ("/users/%40me/x%20y?z=%40", "/users/@me/x%20y?z=%40"),
        ("/a%3Ab", "/a:b"),
        ("/a%3ab", "/a:b"),
        ("/a%2Bbc", "/a+bc"),
        ("/c:d", "/c%3Ad"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/caf%c3%A9/x", "/caf%C3%A9/x"),
    ],
)
def test_written_otherwise(port: int, path: str, plain: str) -> None:
    answer = ask(port, HOST, path)
    assert (answer.status, answer.headers["location"]) == (307, f"http://{HOST}{plain}")


@pytest.mark.parametrize("path", ["/users/%40you", "/a%3Abc", "/%40", "/users@me"])
def test_other_paths_are_served_as_they_are(port: int, path: str) -> None:
    assert ask(port, HOST, path).status == 200


def test_most_paths_have_one_way_to_be_written() -> None:
    forward = Forward(local("127.0.0.1:1"))
    assert encoded(Route(Match(SegmentPrefix("/pkg.Service/Method-1_~")), forward, ORIGIN)) is None
