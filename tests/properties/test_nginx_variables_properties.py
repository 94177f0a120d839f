"""Whatever the text: a template, or a reason in one line; and a template says what the text says."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.ir.template import Of, Variable, literal

NAMES = {"namespace": "shop", "service_name": "$host{}"}
WORDS = st.sampled_from(
    [
        "$host",
        "${host}",
        "$",
        "{",
        "}",
        "$$",
        "$http_x_y",
        "$cookie_",
        "$arg_q",
        "$namespace",
        "$service_name",
        "a",
        "%",
    ]
)


@given(st.text() | st.lists(WORDS).map("".join))
def test_any_text_is_a_template_or_a_reason(text: str) -> None:
    found = parse(text, NAMES)
    if isinstance(found, str):
        assert found
        assert len(found) < 200
        return
    assert all(part != "" for part in found)
    assert not any(isinstance(a, str) and isinstance(b, str) for a, b in pairwise(found))


@given(st.text().filter(lambda text: "$" not in text))
def test_without_a_dollar_it_is_literal(text: str) -> None:
    found = parse(text, {})
    assert isinstance(found, str) or literal(found) == text


@given(st.lists(st.sampled_from("abc{}%\\ ") | st.sampled_from([Variable(Of.HOST), Variable(Of.HEADER, "x-y")])))
def test_what_was_written_is_read(parts: list[str | Variable]) -> None:
    written = "".join("${" + _name(p) + "}" if isinstance(p, Variable) else p for p in parts)
    found = parse(written, {})
    assert isinstance(found, tuple)
    assert "".join("${" + _name(p) + "}" if isinstance(p, Variable) else p for p in found) == written


def _name(variable: Variable) -> str:
    return "host" if variable.of is Of.HOST else "http_" + variable.name.replace("-", "_")
