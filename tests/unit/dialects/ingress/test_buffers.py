"""proxy-buffer* and their kin: nothing is needed, and typing errors are found all the same."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Handling
from isthmus.dialects.ingress.nginx.buffers import FEATURE

NAMES = [each.name for each in FEATURE.annotations]
GOOD = {
    "proxy-buffering": "on",
    "proxy-buffer-size": "8k",
    "proxy-buffers-number": "8",
    "proxy-busy-buffers-size": "16K",
    "proxy-max-temp-file-size": "0",
    "proxy-request-buffering": "off",
    "client-body-buffer-size": "1000",
    "http2-push-preload": "true",
}


def test_nothing_changes() -> None:
    assert set(NAMES) == set(GOOD)
    found = drafted(FEATURE, GOOD)
    assert (found.draft, found.codes) == (Draft("web"), [])


def test_each_says_why() -> None:
    assert all(each.handling is Handling.NO_EFFECT and each.note for each in FEATURE.annotations)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [*NONSENSE, "1b", "10 m", "9" * 30])
def test_typing_errors_are_found(name: str, value: str) -> None:
    found = drafted(FEATURE, {**GOOD, name: value})
    assert (found.draft, found.codes) == (Draft("web"), ["ISTH0114"])
