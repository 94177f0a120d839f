"""Two outcomes of one request to their differences, under the rules that the user chose.

A different status explains everything else, so only it is told then (and where the redirects lead, where both are).
Rule: what the rules leave out is never a difference, and what they do not name always is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from isthmus.replay.answer import Answer, Base, Outcome, Silence, chosen
from isthmus.replay.bodies import BLANKS_ONLY, BodyRules, compare_bodies
from isthmus.replay.header_values import IGNORED, normal_value, shown_value
from isthmus.replay.locations import Asked, same_location, shown
from isthmus.replay.request import Recorded

NO_ANSWER = "no answer"
BLANKS = "white space"  # counted, but no difference
_HIDDEN = "***"


class Rules(Struct, frozen=True):
    """What is compared. Names of headers are in lower case."""

    ignored: frozenset[str] = IGNORED
    bodies: bool = True
    error_bodies: bool = True
    body: BodyRules = BodyRules()


class Sides(NamedTuple):
    """The addresses of both gateways, at least one each."""

    old: tuple[Base, ...]
    new: tuple[Base, ...]


class Difference(NamedTuple):
    """One difference: its kind (`status 200 -> 404`, `header vary`, `body`), and what each side has."""

    kind: str
    old: str
    new: str
    where: str = ""


def compare(request: Recorded, old: Outcome, new: Outcome, sides: Sides, rules: Rules) -> tuple[Difference, ...]:
    """All differences, in the order in which they are reported; credentials of the request are hidden in them."""
    found = _differences(request, old, new, sides, rules)
    return tuple(Difference(each.kind, *(_without(request.secrets, text) for text in each[1:])) for each in found)


def _without(secrets: tuple[str, ...], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return text


def _differences(request: Recorded, old: Outcome, new: Outcome, sides: Sides, rules: Rules) -> Iterator[Difference]:
    if isinstance(old, Silence) or isinstance(new, Silence):
        yield Difference(NO_ANSWER, _told(old), _told(new))
        return
    if old.status != new.status:
        yield Difference(f"status {old.status} -> {new.status}", _told(old), _told(new))
    yield from _location(request, old, new, sides, rules)
    if old.status != new.status:
        return
    with_body = _has_body(request, old, rules)
    yield from _headers(old, new, rules.ignored if with_body else rules.ignored | {"content-type", "content-encoding"})
    if with_body and (body := compare_bodies(old, new, rules.body)):
        yield Difference(BLANKS, "", "") if body is BLANKS_ONLY else Difference("body", body.old, body.new, body.where)


def _told(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Silence) else str(outcome.status)


def _location(request: Recorded, old: Answer, new: Answer, sides: Sides, rules: Rules) -> Iterator[Difference]:
    one, other = (", ".join(answer.values("location")) for answer in (old, new))
    if one == other or "location" in rules.ignored:
        return
    if bool(one) != bool(other) and old.status != new.status:
        return  # a redirect against something else: the status says so
    asked = [Asked(chosen(bases, request.scheme), bases) for bases in sides]
    if not one or not other or not same_location(request, (one, asked[0]), (other, asked[1])):
        yield Difference("location", shown(one) or "(absent)", shown(other) or "(absent)")


def _headers(old: Answer, new: Answer, ignored: frozenset[str]) -> Iterator[Difference]:
    names = {name for answer in (old, new) for name, _ in answer.headers} - ignored - {"location"}
    for name in sorted(names):
        if normal_value(name, old) != normal_value(name, new):
            yield Difference(f"header {name}", shown_value(name, old), shown_value(name, new))


def _has_body(request: Recorded, answer: Answer, rules: Rules) -> bool:
    """Whether bodies count. Nobody reads those of redirects: each gateway words its own."""
    if request.method == "HEAD" or not rules.bodies:
        return False
    if 300 <= answer.status < 400:
        return False
    return rules.error_bodies or answer.status < 400
