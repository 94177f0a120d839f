"""Plain scalars mean what they mean to kubectl."""

import math

import pytest

from isthmus.kube.scalars import SUSPECT, resolve, spelled

CASES = {
    "on": True, "yes": True, "Y": True, "n": False, "OFF": False, "oN": "oN", "true": True, "tRue": "tRue",
    "": None, "~": None, "null": None, "nUll": "nUll",
    "010": 8, "0o10": 8, "08": 8, "0x1F": 31, "0b11": 3, "-0x1F": -31, "+5": 5, "1_000": 1000, "0": 0, "-0": 0,
    "12:30": "12:30", "190:20:30": "190:20:30", "2026-11-01": "2026-11-01", "2026-11-01T10:00Z": "2026-11-01T10:00Z",
    "1.5": 1.5, ".5": 0.5, "3.0": 3, "1e3": 1000, "1.": 1, ".": ".", "-": "-", "+": "+", "1e": "1e", "0x": "0x",
    "18446744073709551615": 2**64 - 1, "18446744073709551616": 18446744073709551616.0, "1e999": "1e999",
    "=": "=", "<<": "<<", ".inf": math.inf, "-.INF": -math.inf, "10.0.0.1": "10.0.0.1", "1.2.3": "1.2.3", "_1": "_1",
    "9" * 5000: "9" * 5000,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), CASES.items(), ids=[key[:30] or "empty" for key in CASES])
def test_resolve(text: str, value: object) -> None:
    found = resolve(text)
    assert (found, type(found)) == (value, type(value))
    assert isinstance(value, str) or not text or text[0] in SUSPECT, "the quick test must let it through"


def test_not_a_number_stays_one() -> None:
    found = resolve(".nan")
    assert isinstance(found, float) and math.isnan(found)


@pytest.mark.parametrize(("value", "key"), [(True, "true"), (8080, "8080"), ("a", "a"), (1.5, "1.5"), (None, None)])
def test_keys_are_spelled_as_in_json(value: object, key: str | None) -> None:
    assert spelled(value) == key
