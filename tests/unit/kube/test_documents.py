"""Cutting a text into documents: by markers, with right line numbers, losing nothing."""

import pytest

from isthmus.kube.documents import normal, split

CASES = {
    "one": ("a: 1\n", [(1, "a: 1\n")]),
    "two": ("a: 1\n---\nb: 2\n", [(1, "a: 1"), (2, "---\nb: 2\n")]),
    "content on the marker line": ("--- {a: 1}\n--- # c\nb: 2", [(1, "--- {a: 1}"), (2, "--- # c\nb: 2")]),
    "empty ones": ("---\n---\n \n---\na: 1\n---\n", [(4, "---\na: 1")]),
    "end markers": ("a: 1\n...\nb: 2\n...\n---\nc: 3", [(1, "a: 1"), (2, "\nb: 2"), (5, "---\nc: 3")]),
    "a PEM line is no marker": ("a: |\n-----BEGIN\n", [(1, "a: |\n-----BEGIN\n")]),
    "text after dashes is no marker": ("a:\n---b\n", [(1, "a:\n---b\n")]),
    "indented dashes are no marker": ("a: |\n  ---\n  b\n", [(1, "a: |\n  ---\n  b\n")]),
    "dots inside a line are no marker": ("a: 1...\nb: ... \n", [(1, "a: 1...\nb: ... \n")]),
    "directives": ("%YAML 1.1\n# c\n---\na: 1\n---\nb: 1", [(1, "%YAML 1.1\n# c\n---\na: 1"), (5, "---\nb: 1")]),
    "nothing": ("", []),
    "blanks": ("\n\n  \n", []),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_split(text: str, expected: list[tuple[int, str]]) -> None:
    assert [(each.line, text[each.start : each.end]) for each in split(text)] == expected


def test_line_breaks_of_other_systems_do_not_change_line_numbers() -> None:
    text = "\ufeffa: 1\r\n---\r\nb: 2\r---\rc: 3"
    assert [each.line for each in split(normal(text))] == [1, 2, 4]
