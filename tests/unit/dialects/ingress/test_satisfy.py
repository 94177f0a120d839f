"""satisfy: all of what is asked for, or any of it."""

from __future__ import annotations

import pytest
from htpasswd_hashes import HASHES
from ingress_drafts import NONSENSE, Drafted, drafted

from isthmus.dialects.ingress.nginx import basic_auth, satisfy, source_ranges
from isthmus.ir.policy import NOTHING_ASKED, SourceRanges
from isthmus.kube.objects import Meta, Secret

FEATURES = (source_ranges.FEATURE, basic_auth.FEATURE, satisfy.FEATURE)
USERS = Secret(metadata=Meta("users", "shop"), string_data={"auth": f"ann:{HASHES['apr1']}"})
BASIC = {"auth-type": "basic", "auth-secret": "users"}
RANGES = {"allowlist-source-range": "10.0.0.0/8", "denylist-source-range": "10.1.0.0/16"}


def asked(annotations: dict[str, str]) -> Drafted:
    return drafted(FEATURES, annotations, objects=[USERS])


@pytest.mark.parametrize("word", [None, "all", "ALL"])
def test_all(word: str | None) -> None:
    policy = asked({**BASIC, **RANGES, **({"satisfy": word} if word else {})}).draft.policy
    assert policy.authorization is not None
    assert not policy.authorization.any_of
    assert (policy.sources, policy.authorization.allow) == (SourceRanges(("10.0.0.0/8",), ("10.1.0.0/16",)), None)


def test_any_takes_the_ranges_along() -> None:
    policy = asked({**BASIC, **RANGES, "satisfy": "any"}).draft.policy
    found = policy.authorization
    assert found is not None and found.basic is not None
    assert (found.any_of, found.allow, found.deny) == (True, ("10.0.0.0/8",), ("10.1.0.0/16",))
    assert policy.sources is None


def test_any_of_one_is_that_one() -> None:
    assert asked({**RANGES, "satisfy": "any"}).draft.policy == asked(RANGES).draft.policy
    assert asked({"satisfy": "any"}).draft.policy == NOTHING_ASKED


def test_any_with_a_broken_list_stays_closed() -> None:
    assert asked({**BASIC, "allowlist-source-range": "nonsense", "satisfy": "any"}).draft.closed


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_closes_the_path(value: str) -> None:
    found = asked({**BASIC, "satisfy": value})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0124"])
