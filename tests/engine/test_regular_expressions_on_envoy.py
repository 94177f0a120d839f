"""Whatever expression is let through, Envoy takes: as a path and in a rewrite, in any case, within its size."""

from __future__ import annotations

import random
from pathlib import Path

from static_envoy import ORIGIN, local, validated

from isthmus.dialects.ingress.draft import PathKind
from isthmus.dialects.ingress.grammar.regex import path_regex
from isthmus.dialects.ingress.grammar.rewriting import new_path
from isthmus.dialects.ingress.hosts.path_kinds import read_as
from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Match, Pattern
from isthmus.xds import api
from isthmus.xds.clusters import emit_cluster
from isthmus.xds.route import emit_route

_ATOMS = (
    *("a", "k", "S", "/", ".", "~", "%", "|", "(", ")", "$", "^", "{", "}", "]"),
    *("[a-z]", "[^/]", "[^a-z0-9_-]", "[]a]", "[\\w.]", "[a\\-z]", "[[:alpha:]]"),
    *("(a|b)", "(?:x)", "(?i:y)", "(?P<n>z)", "(?=a)", "(?i)"),
    *("\\.", "\\d", "\\W", "\\b", "\\x2f", "\\-", "\\_", "\\p{L}", "\\1"),
)
_REPETITIONS = (
    "",
    "",
    "",
    "",
    "*",
    "+",
    "?",
    "*?",
    "{2}",
    "{2,}",
    "{1,30}",
    "{0,1000}",
    "{500}",
    "++",
    "{,2}",
    "{1001}",
)
_WANTED = 600


def _expression(chance: random.Random) -> str:
    length = chance.randint(1, chance.choice([3, 8, 40]))
    return "/" + "".join(chance.choice(_ATOMS) + chance.choice(_REPETITIONS) for _ in range(length))


def test_what_is_let_through_is_taken(tmp_path: Path) -> None:
    chance = random.Random(7)
    fine: set[str] = set()
    while len(fine) < _WANTED:
        pattern = _expression(chance)
        if path_regex(pattern)[1] is None:
            fine.add(pattern)
    backend = local("127.0.0.1:1")
    routes = []
    for pattern in sorted(fine):
        path = read_as(PathKind.REGEX_ANY_CASE, pattern)
        assert isinstance(path, Pattern)
        action = Forward(backend, rewrite=new_path(pattern, "/$1/$9"))
        routes.append(emit_route(Route(Match(path), action, ORIGIN)))
    done = validated(tmp_path, {"a.test": routes}, [api.Cluster.FromString(emit_cluster(backend).body)])
    assert done.returncode == 0, done.stderr[-2000:]
