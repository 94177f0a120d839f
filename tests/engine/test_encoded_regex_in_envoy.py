"""Guarded expressions beside an open root: no way to write a path that one of them takes leads to the open route."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
from gateways import ask, http_echoes
from static_envoy import HOST, ORIGIN, local, serving

from isthmus.dialects.ingress.draft import PathKind
from isthmus.dialects.ingress.grammar.rewriting import new_path
from isthmus.dialects.ingress.hosts.path_kinds import read_as
from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Match, Pattern, SegmentPrefix
from isthmus.ir.order import ordered
from isthmus.ir.policy import Policy, SourceRanges

NOBODY = Policy(sources=SourceRanges(allow=()))
GUARDED = {  # expression: a path that it takes, decoded
    "/users/@me": "/users/@me/x",
    "/v./secret": "/v@/secret",
    "/[^/]/hidden": "/ /hidden",
    "/admin$": "/admin",
    "/line$": "/line\n",
    "/shop;id=[0-9]+,(a|b)!": "/shop;id=17,b!",
    "/a b\\+c": "/a b+c",
    "/[^a-z]{2}/deep": "/@:/deep",
    "/curly\\{x\\}": "/curly{x}",
    "/caf%C3%A9": "/café",
    "/caf\\xc3\\xa9s": "/cafés",
    "/100%/x": "/100%/x",
    "/\\W+end": "/$&'end",
    "/[\\w@]+\\.php": "/ind@x.php",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http_echoes("web") as echoes:
        forward = Forward(local(echoes["web"]))
        routes = [Route(Match(SegmentPrefix("/")), forward, ORIGIN)]
        for kind in (PathKind.REGEX_ANY_CASE, PathKind.REGEX):
            for expression in GUARDED:
                path = read_as(kind, ("/sensitive" if kind is PathKind.REGEX else "") + expression)
                assert isinstance(path, Pattern)
                routes.append(Route(Match(path), forward, ORIGIN, NOBODY))
        seen = read_as(PathKind.REGEX_ANY_CASE, "/open/@(.*)")
        assert isinstance(seen, Pattern)
        routes.append(Route(Match(seen), Forward(local(echoes["web"]), rewrite=new_path("/open/@(.*)", "/$1")), ORIGIN))
        with serving(ordered(routes)) as running:
            yield running


@pytest.mark.parametrize("start", ["", "/sensitive"])
@pytest.mark.parametrize("expression", GUARDED)
def test_no_way_around(port: int, expression: str, start: str) -> None:
    chance = random.Random(expression + start)
    plain = (start + GUARDED[expression]).encode()
    for likely in (0.0, 0.5, 0.5, 0.5, 1.0):
        encoded = "/" + "".join(_written(byte, chance, likely) for byte in plain[1:])
        assert ask(port, HOST, encoded).status in (403, 307), encoded


def _written(byte: int, chance: random.Random, likely: float) -> str:
    must = not 0x20 < byte < 0x7F or byte in b"%"
    return chance.choice(["%{:02X}", "%{:02x}"]).format(byte) if must or chance.random() < likely else chr(byte)


@pytest.mark.parametrize("path", ["/users/%41me", "/v%40%40/secret", "/admin%20", "/%61/hidde%6E/../x", "/caf%C3%A8"])
def test_what_no_expression_takes_is_open(port: int, path: str) -> None:
    assert ask(port, HOST, path).status == 200


@pytest.mark.parametrize("path", ["/%zz/hidden", "/a%", "/x%4", "/x%4/secret", "/x%%40"])
def test_what_is_no_escape_is_refused_as_by_nginx(port: int, path: str) -> None:
    assert ask(port, HOST, path).status == 400


@pytest.mark.parametrize("path", ["/open/@b%20c?q=%41", "/open/%40b%20c?q=%41"])
def test_a_rewrite_reads_it_too(port: int, path: str) -> None:
    seen = json.loads(ask(port, HOST, path).body)
    assert (seen["path"], seen["query"]) == ("/b%20c", "q=%41")
