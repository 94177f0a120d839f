"""--endpoint values."""

from __future__ import annotations

import pytest

from isthmus.app.settings import SettingsError, parse_endpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b=127.0.0.1:1", ("a", "b", 0, (("127.0.0.1", 1),))),
        ("a/b:80=127.0.0.1:1,10.0.0.2:2", ("a", "b", 80, (("127.0.0.1", 1), ("10.0.0.2", 2)))),
        ("a/b=localhost:65535", ("a", "b", 0, (("127.0.0.1", 65535),))),
        ("a/b=[::1]:80", ("a", "b", 0, (("::1", 80),))),
        ("a/b=", ("a", "b", 0, ())),
    ],
)
def test_endpoints(text: str, expected: object) -> None:
    assert parse_endpoint(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a=1.2.3.4:1", "a/b", "a/b:x=1.2.3.4:1", "a/b=host.test:1", "a/b=1.2.3.4", "a/b=1.2.3.4:0", "/b=1.2.3.4:1"],
)
def test_what_is_no_endpoint_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="--endpoint"):
        parse_endpoint(text)
