"""Path templates: what parses, what they match and decode, what they expand to, and the expression Envoy gets."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.schema.httprule import TemplateError, parse


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        pytest.param("/v1/shelves", "/v1/shelves", {}, id="literal"),
        pytest.param("/v1/shelves", "/v1/shelves/", None, id="no-slash-at-the-end"),
        pytest.param("/v1/{id}", "/v1/a%2Fb%20c", {"id": "a/b c"}, id="one-segment-is-decoded-in-full"),
        pytest.param("/v1/{name=shelves/*}", "/v1/shelves/a%2Fb%20c", {"name": "shelves/a%2Fb c"}, id="reserved-stays"),
        pytest.param("/v1/{name=shelves/*}", "/v1/shelves/1/2", None, id="one-segment-only"),
        pytest.param("/v1/{path=**}", "/v1/a/b/c", {"path": "a/b/c"}, id="rest"),
        pytest.param("/v1/{path=**}", "/v1/", {"path": ""}, id="rest-may-be-empty"),
        pytest.param("/v1/{a.b}/x/{c=**}:go", "/v1/1/x/2/3:go", {"a.b": "1", "c": "2/3"}, id="nested-and-verb"),
        pytest.param("/v1/{name=shelves/*}:merge", "/v1/shelves/1", None, id="verb-is-needed"),
        pytest.param("/v1/*/b", "/v1/x/b", {}, id="anonymous"),
        pytest.param("/v1/{id}", "/v1/", None, id="a-segment-is-not-empty"),
        pytest.param("/v1/a.b", "/v1/axb", None, id="a-dot-is-a-dot"),
        pytest.param("/v1/{id}", "/v1/%ff", {"id": "\ufffd"}, id="not-utf-8"),
    ],
)
def test_match(template: str, path: str, values: dict[str, str] | None) -> None:
    assert parse(template).match(path) == values
    assert bool(re.fullmatch(parse(template).regex(), path)) == (values is not None)


@pytest.mark.parametrize(
    ("template", "at"),
    [
        ("", 0), ("v1", 0), ("/", 1), ("/v1//a", 4), ("/v1/", 4), ("/v1/{", 5), ("/v1/{a", 6), ("/v1/{a}}", 7),
        ("/v1/{a={b}}", 7), ("/v1/{1a}", 5), ("/v1/{a.}", 7), ("/v1/a b", 5), ("/v1/a:", 6), ("/v1/a:b/c", 7),
        ("/v1/{a=}", 7), ("/v1/%zz", 4), ("/**/a", 3), ("/{a}/{a}", 8),
    ],
)  # fmt: skip
def test_what_does_not_parse_says_where(template: str, at: int) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(template)
    assert caught.value.at == at


def test_the_most_specific_is_first() -> None:
    given = ["/v1/{a=**}", "/v1/{a}", "/v1/{a}:go", "/v1/books", "/v1/{a}/x", "/v1/books/{b}", "/v1/books/x"]
    ordered = sorted(given, key=lambda text: parse(text).specificity)
    assert ordered.index("/v1/books/x") < ordered.index("/v1/books/{b}") < ordered.index("/v1/{a}/x")
    assert (
        ordered.index("/v1/books")
        < ordered.index("/v1/{a}:go")
        < ordered.index("/v1/{a}")
        < ordered.index("/v1/{a=**}")
    )


@given(st.text(min_size=1), st.lists(st.text("abc /ü%", min_size=1), min_size=1, max_size=3))
def test_expand_and_match_are_inverse(single: str, several: list[str]) -> None:
    template = parse("/v1/{a}/x/{b=shelves/**}:go")
    single = single.encode("utf-8", "replace").decode()
    rest = "/".join(part.replace("/", "_").replace("%", "") or "p" for part in several)
    path = template.expand({"a": single, "b": f"shelves/{rest}"})
    assert template.match(path) == {"a": single, "b": f"shelves/{rest}"}
    assert re.fullmatch(template.regex(), path)
