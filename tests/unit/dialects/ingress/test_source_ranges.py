"""Allow and deny lists: everything that cannot be read closes the path."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.nginx.source_ranges import FEATURE
from isthmus.ir.policy import SourceRanges

ALLOW, ALIAS, DENY = "allowlist-source-range", "whitelist-source-range", "denylist-source-range"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({ALLOW: "10.0.0.0/8"}, SourceRanges(("10.0.0.0/8",))),
        ({ALIAS: "10.0.0.0/8"}, SourceRanges(("10.0.0.0/8",))),
        ({ALLOW: "10.0.0.0/8", ALIAS: "10.0.0.0/8"}, SourceRanges(("10.0.0.0/8",))),
        ({ALLOW: "10.1.2.3/8, 2001:db8::/32,192.0.2.1"}, SourceRanges(("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"))),
        ({DENY: "10.0.0.0/8"}, SourceRanges(None, ("10.0.0.0/8",))),
        ({ALLOW: "10.0.0.0/8", DENY: "10.1.0.0/16"}, SourceRanges(("10.0.0.0/8",), ("10.1.0.0/16",))),
        ({ALLOW: "0.0.0.0/0"}, SourceRanges(("0.0.0.0/0",))),
    ],
)
def test_ranges(given: dict[str, str], expected: SourceRanges | None) -> None:
    found = drafted(FEATURE, given)
    assert (found.draft.policy.sources, found.draft.closed, found.codes) == (expected, False, [])


@pytest.mark.parametrize("key", [ALLOW, ALIAS, DENY])
@pytest.mark.parametrize(
    "value",
    [
        *NONSENSE,
        ",",
        "10.0.0.0/8,",
        "10.0.0.0/8,x",
        "10.0.0.0/255.0.0.0",
        "fe80::1%eth0",
        "1.2.3",
        "all",
        "1.1.1.1," * 9_000,
    ],
)
def test_lists_that_cannot_be_read_close(key: str, value: str) -> None:
    found = drafted(FEATURE, {key: value})
    if value == "10.0.0.0/8,":
        assert not found.draft.closed  # a comma at the end is no mistake
    else:
        assert (found.draft.closed, found.codes) == (True, ["ISTH0124"])


def test_two_names_that_disagree_close() -> None:
    found = drafted(FEATURE, {ALLOW: "10.0.0.0/8", ALIAS: "10.0.0.0/8,192.0.2.0/24"})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0124"])


def test_the_controllers_config_map_has_defaults() -> None:
    settings = {"whitelist-source-range": "10.0.0.0/8", "denylist-source-range": "10.9.0.0/16"}
    assert drafted(FEATURE, {}, settings).draft.policy.sources == SourceRanges(("10.0.0.0/8",), ("10.9.0.0/16",))
    assert drafted(FEATURE, {ALIAS: "192.0.2.1"}, settings).draft.policy.sources == SourceRanges(
        ("192.0.2.1/32",), ("10.9.0.0/16",)
    )
    assert drafted(FEATURE, {}, {"denylist-source-range": "x"}).draft.closed
