"""proxy-next-upstream, -timeout and -tries; retries are on where nobody says otherwise."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.nginx.retry import FEATURE
from isthmus.ir.action import Retry

UNASKED = ("connect-failure", "unsent")
DEFAULT = Retry(3, UNASKED)
ERRORS = ("connect-failure", "reset", "timeout")
WHEN, TRIES, TIMEOUT = "proxy-next-upstream", "proxy-next-upstream-tries", "proxy-next-upstream-timeout"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, DEFAULT),
        ({WHEN: "error timeout"}, Retry(3, ERRORS)),
        ({WHEN: " error  timeout "}, Retry(3, ERRORS)),
        ({WHEN: "off"}, None),
        ({WHEN: "error off"}, None),
        ({WHEN: "timeout"}, Retry(3, ("timeout",))),
        ({WHEN: "invalid_header"}, Retry(3, ("reset",))),
        ({WHEN: "non_idempotent"}, None),
        ({WHEN: "error non_idempotent"}, Retry(3, ("connect-failure", "reset"), non_idempotent=True)),
        ({WHEN: "http_503 http_502 http_503"}, Retry(3, (), (502, 503))),
        (
            {WHEN: "error http_403 http_404 http_429 http_500 http_504"},
            Retry(3, ("connect-failure", "reset"), (403, 404, 429, 500, 504)),
        ),
        ({TRIES: "1"}, None),
        ({TRIES: "2"}, Retry(2, UNASKED)),
        ({TRIES: "0"}, Retry(0, UNASKED)),
        ({TRIES: "50"}, Retry(10, UNASKED)),
    ],
)
def test_when_and_how_often(given: dict[str, str], expected: Retry | None) -> None:
    found = drafted(FEATURE, given)
    assert (found.draft.retry, found.codes) == (expected, [])


def test_a_limit_of_time_is_said_to_differ() -> None:
    found = drafted(FEATURE, {TIMEOUT: "10"})
    assert (found.draft.retry, found.codes) == (Retry(3, UNASKED), ["ISTH0122"])
    assert drafted(FEATURE, {TIMEOUT: "0"}).codes == []
    assert drafted(FEATURE, {TIMEOUT: "10", WHEN: "off"}).codes == []


def test_the_controllers_config_map_has_defaults() -> None:
    settings = {WHEN: "http_503", TRIES: "5"}
    assert drafted(FEATURE, {}, settings).draft.retry == Retry(5, (), (503,))
    assert drafted(FEATURE, {WHEN: "error"}, settings).draft.retry == Retry(5, ("connect-failure", "reset"))
    assert drafted(FEATURE, {}, {WHEN: "off"}).draft.retry is None
    broken = drafted(FEATURE, {}, {WHEN: "everything"})
    assert (broken.draft.retry, broken.codes) == (DEFAULT, ["ISTH0114"])


@pytest.mark.parametrize("name", [WHEN, TRIES, TIMEOUT])
@pytest.mark.parametrize("value", [*NONSENSE, "error,timeout", "http_501", "ERROR", "1.5", "error " * 200])
def test_what_cannot_be_read_falls_back(name: str, value: str) -> None:
    found = drafted(FEATURE, {name: value})
    assert (found.draft.retry, found.draft.closed, found.codes) == (DEFAULT, False, ["ISTH0114"])
