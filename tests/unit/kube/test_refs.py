"""Field paths print and read back, whatever the keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.kube.diagnostics import printable
from isthmus.kube.refs import FieldPath, SourcePos


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ((), ""),
        (("spec", "rules", 0, "http", "paths", 12), "spec.rules[0].http.paths[12]"),
        (("metadata", "annotations", 'a.b/c"d'), 'metadata.annotations["a.b/c\\"d"]'),
        (("data", "tls.crt"), 'data["tls.crt"]'),
    ],
)
def test_paths_as_people_write_them(steps: tuple[str | int, ...], text: str) -> None:
    assert str(FieldPath(steps)) == text


@given(st.lists(st.one_of(st.text(), st.integers(0, 999)), max_size=5))
def test_paths_read_back(steps: list[str | int]) -> None:
    path = FieldPath(tuple(steps))
    assert FieldPath.parse(str(path)) == path


def test_positions_print_what_is_known() -> None:
    assert str(SourcePos("a.yaml", 3, 7)) == "a.yaml:3:7"
    assert str(SourcePos("a.yaml")) == "a.yaml"


@given(st.text())
def test_printable_is_one_safe_line(text: str) -> None:
    assert printable(text).isprintable()
