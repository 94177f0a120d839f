"""limit-*: rates, bursts, simultaneous requests and speeds."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted
from msgspec.structs import replace

from isthmus.dialects.ingress.nginx.limits import FEATURE
from isthmus.ir.policy import ConcurrencyLimit, RateLimit
from isthmus.ir.template import Of, Variable

CLIENT = (Variable(Of.CLIENT),)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ()),
        ({"limit-rps": "0"}, ()),
        ({"limit-rps": "10"}, (RateLimit(10, 1_000, 50, CLIENT),)),
        ({"limit-rpm": "10"}, (RateLimit(10, 60_000, 50, CLIENT),)),
        ({"limit-rps": "10", "limit-burst-multiplier": "1"}, (RateLimit(10, 1_000, 10, CLIENT),)),
        ({"limit-rps": "1", "limit-rpm": "2"}, (RateLimit(2, 60_000, 10, CLIENT), RateLimit(1, 1_000, 5, CLIENT))),
        ({"limit-rps": "1", "limit-allowlist": "10.0.0.0/8"}, (RateLimit(1, 1_000, 5, CLIENT, ("10.0.0.0/8",)),)),
        ({"limit-rps": "1", "limit-whitelist": "10.0.0.1"}, (RateLimit(1, 1_000, 5, CLIENT, ("10.0.0.1/32",)),)),
    ],
)
def test_rates(given: dict[str, str], expected: tuple[RateLimit, ...]) -> None:
    found = drafted(FEATURE, given)
    placed = tuple(replace(each, place="shop/web") for each in expected)
    assert (found.draft.policy.limits, found.draft.closed, found.codes) == (placed, False, [])


def test_simultaneous_requests() -> None:
    found = drafted(FEATURE, {"limit-connections": "3", "limit-allowlist": "10.0.0.0/8"})
    assert found.draft.policy.concurrency == ConcurrencyLimit("shop/web", 3, CLIENT, ("10.0.0.0/8",))
    assert drafted(FEATURE, {"limit-connections": "0"}).draft.policy.concurrency is None


@pytest.mark.parametrize(("text", "status"), [("429", 429), ("200", 503), ("x", 503), ("", 503), ("599", 599)])
def test_statuses_from_the_controllers_config_map(text: str, status: int) -> None:
    settings = {"limit-req-status-code": text, "limit-conn-status-code": text}
    policy = drafted(FEATURE, {"limit-rps": "1", "limit-connections": "1"}, settings).draft.policy
    assert policy.concurrency is not None
    assert (policy.limits[0].status, policy.concurrency.status) == (status, status)


def test_speed() -> None:
    assert drafted(FEATURE, {"limit-rate": "100"}).draft.policy.answer_bytes_per_s == 102_400
    assert drafted(FEATURE, {}, {"limit-rate": "1"}).draft.policy.answer_bytes_per_s == 1_024
    later = drafted(FEATURE, {"limit-rate": "100", "limit-rate-after": "10"})
    assert (later.draft.policy.answer_bytes_per_s, later.codes) == (102_400, ["ISTH0122"])
    assert drafted(FEATURE, {"limit-rate-after": "10"}).codes == []


@pytest.mark.parametrize("key", [each.name for each in FEATURE.annotations])
@pytest.mark.parametrize("value", [*NONSENSE, "9" * 30, "1.5"])
def test_what_cannot_be_read_closes(key: str, value: str) -> None:
    found = drafted(FEATURE, {"limit-rps": "1", "limit-rate": "1", key: value})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0124"])
