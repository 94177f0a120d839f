"""The same requests to a real nginx and to Isthmus: answers differ in nothing but what is accepted, with a reason."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import replay_pair
from replay_pair import Found

from isthmus.replay.compare import Difference

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import replay_pages
from replay_pages import Accepted

ACCEPTED = replay_pages.families()


@pytest.mark.parametrize("family", replay_pair.families())
def test_answers_differ_only_as_accepted(family: str, outcomes: dict[str, list[Found]]) -> None:
    accepted = ACCEPTED[family].accepted
    everywhere = ACCEPTED[replay_pages.EVERYWHERE].accepted
    assert outcomes[family]
    unexpected = [
        f"{found.title}\n    {told(each)}"
        for found in outcomes[family]
        for each in found.differences
        if not any(fits(rule, found, each) for rule in (*accepted, *everywhere))
    ]
    assert not unexpected, "\n" + "\n".join(unexpected)
    idle = _idle(accepted, outcomes[family])
    assert not idle, f"these differences no longer show; take them out of differences.yaml: {idle}"


def test_what_differs_everywhere_still_does(outcomes: dict[str, list[Found]]) -> None:
    accepted = ACCEPTED[replay_pages.EVERYWHERE].accepted
    assert not _idle(accepted, [each for found in outcomes.values() for each in found])


def test_every_request_reached_both(outcomes: dict[str, list[Found]]) -> None:
    """A comparison of two silences would prove nothing."""
    silent = [each for found in outcomes.values() for each in found for one in each.differences if "no answer" in one]
    assert not silent


def test_reasons_are_given() -> None:
    for family in ACCEPTED.values():
        assert all(len(each.reason) > 20 for each in family.accepted), family.title


def _idle(accepted: Iterable[Accepted], outcomes: Iterable[Found]) -> list[Accepted]:
    shown = [(found, each) for found in outcomes for each in found.differences]
    return [rule for rule in accepted if not any(fits(rule, *each) for each in shown)]


def fits(rule: Accepted, found: Found, each: Difference) -> bool:
    """Whether a difference is the accepted one."""
    return (
        fnmatchcase(each.kind, rule.kind)
        and (not rule.place or fnmatchcase(each.where, rule.place))
        and fnmatchcase(each.old, rule.nginx)
        and fnmatchcase(each.new, rule.isthmus)
        and any(fnmatchcase(found.title, pattern) for pattern in rule.requests)
    )


def told(each: Difference) -> str:
    """For the one who has to mend it."""
    place = f" {each.where}" if each.where else ""
    return f"{each.kind}{place}: {each.old!r} -> {each.new!r}"
