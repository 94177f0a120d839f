"""Several Ingresses of one host: in whatever order they come the result is the same, and no path is more open than any
of its owners asked."""

from __future__ import annotations

import ipaddress
import random
import re

from annotation_samples import HOST, NGINX, ingress, translated
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isthmus.dialects.dialect import Translation
from isthmus.ir.action import Respond
from isthmus.ir.authorization import Authorization
from isthmus.ir.host import Route
from isthmus.ir.match import Exact, PathMatch, Pattern
from isthmus.ir.policy import SourceRanges
from isthmus.kube.objects import Ingress

BASIC = {"auth-type": "basic", "auth-secret": "users"}
SAID = (
    {"allowlist-source-range": "10.0.0.0/8"},
    {"allowlist-source-range": "10.1.0.0/16,192.0.2.0/24"},
    {"allowlist-source-range": "10.0.0.0/99"},
    {"denylist-source-range": "10.1.1.0/24"},
    {"configuration-snippet": "deny 10.1.2.3;"},
    {"configuration-snippet": "nonsense;"},
    BASIC,
    {**BASIC, "auth-realm": "another"},
    {**BASIC, "auth-secret": "nobody"},
    {"auth-url": "http://auth.shop.svc.cluster.local/check"},
    {**BASIC, "satisfy": "any"},
    {"limit-rps": "10"},
    {"limit-rps": "1"},
    {"use-regex": "true"},
    {"canary": "true", "canary-weight": "50"},
)
PATHS = ("/", "/x", "/x/y", "/@me")
OWNERS = st.lists(
    st.tuples(st.sampled_from(PATHS), st.sampled_from(["2025-01-01", "2026-01-01"]), st.lists(st.sampled_from(SAID))),
    min_size=1,
    max_size=5,
)


def owner(index: int, path: str, age: str, said: list[dict[str, str]]) -> Ingress:
    annotations = {f"{NGINX}{key}": value for each in said for key, value in each.items()}
    made = ingress("web", path, annotations, age)
    return replace(made, metadata=replace(made.metadata, name=f"i{index}"))


def takes(match: PathMatch, path: str) -> bool:
    if isinstance(match, Pattern):
        return re.fullmatch(match.regex, path) is not None
    if isinstance(match, Exact):
        return path == match.path
    return path == match.path or path.startswith(match.path.rstrip("/") + "/")


def reached(found: Translation, path: str) -> Route | None:
    return (
        next((route for route in found.hosts[0].routes if takes(route.match.path, path)), None) if found.hosts else None
    )


def closed(route: Route) -> bool:
    return isinstance(route.action, Respond) and route.action.status == 503


def within(ranges: SourceRanges | None, asked: SourceRanges | None) -> bool:
    """Whether no address comes through the first that the second keeps out."""
    if asked is None:
        return True
    if ranges is None or not set(asked.deny) <= set(ranges.deny):
        return False
    if asked.allow is None:
        return True
    wide = [ipaddress.ip_network(each) for each in asked.allow]
    narrow = [ipaddress.ip_network(each) for each in ranges.allow or ()]
    return ranges.allow is not None and all(any(n.subnet_of(w) for w in wide) for n in narrow)  # type: ignore[arg-type]


def as_strict(found: Authorization | None, asked: Authorization | None) -> bool:
    if asked is None:
        return True
    if found is None or (found.any_of and not asked.any_of):
        return False
    parts = ("basic", "question", "jwt", "api_keys", "allow") if found.any_of else ("basic", "question", "jwt")
    return all(getattr(asked, part) in (None, getattr(found, part)) for part in parts)


@given(OWNERS, st.randoms(use_true_random=False))
def test_the_order_in_which_they_come_changes_nothing(
    shapes: list[tuple[str, str, list[dict[str, str]]]], chance: random.Random
) -> None:
    owners = [owner(index, *shape) for index, shape in enumerate(shapes)]
    shuffled = list(owners)
    chance.shuffle(shuffled)
    assert translated(*owners) == translated(*shuffled)


@given(OWNERS)
def test_no_path_is_more_open_than_any_owner_asked(shapes: list[tuple[str, str, list[dict[str, str]]]]) -> None:
    owners = [owner(index, *shape) for index, shape in enumerate(shapes)]
    together = translated(*owners)
    for each, (path, _, said) in zip(owners, shapes, strict=True):
        alone = reached(translated(each), path)
        found = reached(together, path)
        if any("canary" in some for some in said) or alone is None:
            continue  # a canary takes requests of others, as they ask
        assert found is not None, HOST
        if closed(found):
            continue
        assert not closed(alone)
        assert within(found.policy.sources, alone.policy.sources)
        assert as_strict(found.policy.authorization, alone.policy.authorization)
        assert set(alone.policy.limits) <= set(found.policy.limits)
