"""Two rules for one path: the older answers, and what keeps people out is that of both, within one namespace."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.hosts.rules import Rule
from isthmus.dialects.ingress.hosts.stricter import stricter
from isthmus.ir.action import Forward, Respond, SendTo
from isthmus.ir.authorization import Authorization, BasicAuth, Question
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.host import Origin
from isthmus.ir.match import SegmentPrefix
from isthmus.ir.policy import ConcurrencyLimit, Policy, RateLimit, SourceRanges
from isthmus.kube.refs import ObjectRef

FORWARD = Forward(Backend(ServicePortRef("n", "web", 80)))
BASIC = Authorization("n/a", basic=BasicAuth("r", ()))
OTHER_BASIC = Authorization("n/b", basic=BasicAuth("other", ()))
ASKED = Authorization("n/b", question=Question(None, (), ("/auth",)))
ANY = replace(BASIC, any_of=True, allow=("10.0.0.0/8",))
FAST, SLOW = RateLimit(100, 1_000), RateLimit(1, 1_000)


def rule(policy: Policy, name: str = "a", namespace: str = "n", closed: bool = False) -> Rule:
    origin = Origin(ObjectRef("Ingress", namespace, name))
    action = Respond(503, "closed") if closed else FORWARD
    return Rule(SegmentPrefix("/"), action, origin, Draft("web"), policy, closed=closed)


def ranges(*allow: str, deny: tuple[str, ...] = ()) -> Policy:
    return Policy(sources=SourceRanges(allow or None, deny))


@pytest.mark.parametrize(
    ("older", "younger", "both"),
    [
        (Policy(), ranges("10.0.0.0/8"), ranges("10.0.0.0/8")),
        (ranges("10.0.0.0/8"), Policy(), ranges("10.0.0.0/8")),
        (ranges("10.0.0.0/8", "fd00::/8"), ranges("10.1.0.0/16", "192.0.2.1"), ranges("10.1.0.0/16")),
        (ranges("10.1.2.3"), ranges("0.0.0.0/0"), ranges("10.1.2.3")),
        (ranges("10.0.0.0/8"), ranges("192.0.2.0/24"), Policy(sources=SourceRanges(()))),
        (ranges("10.0.0.0/8"), ranges(deny=("10.1.1.1",)), ranges("10.0.0.0/8", deny=("10.1.1.1",))),
        (ranges(deny=("10.1.1.1",)), ranges(deny=("10.1.1.2",)), ranges(deny=("10.1.1.1", "10.1.1.2"))),
        (Policy(), Policy(authorization=BASIC), Policy(authorization=BASIC)),
        (Policy(authorization=BASIC), Policy(), Policy(authorization=BASIC)),
        (
            Policy(authorization=BASIC),
            Policy(authorization=ASKED),
            Policy(authorization=replace(BASIC, question=ASKED.question)),
        ),
        (Policy(authorization=BASIC), Policy(authorization=replace(BASIC, place="n/b")), Policy(authorization=BASIC)),
        (Policy(limits=(FAST,)), Policy(limits=(SLOW, FAST)), Policy(limits=(FAST, SLOW))),
        (Policy(answer_bytes_per_s=0), Policy(answer_bytes_per_s=5), Policy(answer_bytes_per_s=5)),
        (Policy(answer_bytes_per_s=9), Policy(answer_bytes_per_s=5), Policy(answer_bytes_per_s=5)),
        (
            Policy(),
            Policy(concurrency=ConcurrencyLimit("n/b", 5)),
            Policy(concurrency=ConcurrencyLimit("n/b", 5)),
        ),
        (
            Policy(concurrency=ConcurrencyLimit("n/a", 100, exempt=("10.0.0.0/8", "192.0.2.0/24"))),
            Policy(concurrency=ConcurrencyLimit("n/b", 5, exempt=("192.0.2.0/24",))),
            Policy(concurrency=ConcurrencyLimit("n/b", 5, exempt=("192.0.2.0/24",))),
        ),
        (
            Policy(concurrency=ConcurrencyLimit("n/a", 5)),
            Policy(concurrency=ConcurrencyLimit("n/b", 5, exempt=("10.0.0.0/8",))),
            Policy(concurrency=ConcurrencyLimit("n/a", 5)),
        ),
    ],
)
def test_what_keeps_people_out_is_that_of_both(older: Policy, younger: Policy, both: Policy) -> None:
    assert stricter(rule(older), rule(younger, "b")) == rule(both)
    assert stricter(rule(older), rule(younger, "b", namespace="other")) == rule(older)


@pytest.mark.parametrize(
    ("older", "younger"),
    [(BASIC, OTHER_BASIC), (ANY, BASIC), (BASIC, ANY), (ANY, replace(ANY, allow=("192.0.2.0/24",)))],
)
def test_what_cannot_be_had_together_closes_the_path(older: Authorization, younger: Authorization) -> None:
    found = stricter(rule(Policy(authorization=older)), rule(Policy(authorization=younger), "b"))
    assert isinstance(found.action, Respond)
    assert found.closed


def test_what_cannot_be_had_at_all_closes_the_path_of_its_own_namespace_only() -> None:
    assert stricter(rule(Policy()), rule(Policy(), "b", closed=True)).closed
    assert stricter(rule(Policy()), rule(Policy(), "b", "other", closed=True)) == rule(Policy())


def test_what_is_sent_elsewhere_stays() -> None:
    sent = replace(rule(Policy()), action=SendTo(("https://a.test/",)))
    assert stricter(sent, rule(Policy(authorization=BASIC), "b")) == sent
