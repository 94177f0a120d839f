"""The loader: kubectl's values, refusals with places, bounds. Both parsers (libyaml and PyYAML's own) must agree."""

import json
import time

import pytest

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code
from isthmus.kube.yaml import MAX_DOCUMENT, parse
from isthmus.kube.yaml_build import MAX_DEPTH, MAX_SCALAR

BOTH = pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])

VALUES = {
    "scalars": ("a: on\nb: 010\nc: 12:30\nd: 2026-01-01\ne: =\nf:\ng: 'on'\nh: \"010\"", dict(
        a=True, b=8, c="12:30", d="2026-01-01", e="=", f=None, g="on", h="010")),
    "keys": ("on: 1\n8080: 2\n'y': 3", {"true": 1, "8080": 2, "y": 3}),
    "merge": ("a: &a {p: 1, q: 2}\nb:\n  q: 3\n  <<: *a", {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}),
    "merge several, the first wins": ("a: &a {p: 1}\nb: &b {p: 2, q: 2}\nc: {<<: [*a, *b]}", {
        "a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}}),
    "a quoted << is a key": ("'<<': {a: 1}", {"<<": {"a": 1}}),
    "an anchored << is text elsewhere": ("&a <<: {b: 1}\nc: *a", {"c": "<<", "b": 1}),
    "aliases": ("a: &x [1]\nb: *x\nc: &s text\nd: *s", {"a": [1], "b": [1], "c": "text", "d": "text"}),
    "tags": ("a: !!str 80\nb: !!int 010\nc: !!float 1\nd: !!null ~\ne: ! 12\nf: !!map {}", {
        "a": "80", "b": 8, "c": 1, "d": None, "e": "12", "f": {}}),
    "block scalars": ("a: |\n  x\n  y\nb: >-\n  x\n  y", {"a": "x\ny\n", "b": "x y"}),
    "flow like JSON": ("{a: b, 'c': \"d\"}", {"a": "b", "c": "d"}),
    "directive": ("%YAML 1.1\n---\na: 1", {"a": 1}),
    "comment only": ("# nothing\n", None),
    "no mapping": ("- a\n- {b: 1}", ["a", {"b": 1}]),
}  # fmt: skip

PROBLEMS: dict[str, tuple[str, Code, int, int]] = {
    "unclosed bracket": ("a: [1\nb: 2", codes.SYNTAX, 12, 2),
    "colon in a value": ("a: b: c", codes.SYNTAX, 11, 5),
    "bad indentation": ("a:\n  b: 1\n c: 2", codes.SYNTAX, 13, 2),
    "tab": ("a:\n\tb: 1", codes.SYNTAX, 12, 1),
    "control character": ("a: 1\nb: \x07", codes.SYNTAX, 12, 4),
    "template": ("a: {{ .Values.x }}", codes.SYNTAX, 11, 5),
    "unknown tag": ("a: !foo 1", codes.SYNTAX, 11, 4),
    "tag against value": ("a: !!int x", codes.SYNTAX, 11, 4),
    "null key": ("~: 1", codes.SYNTAX, 11, 1),
    "merge of a number": ("a: {<<: 1}", codes.SYNTAX, 11, 5),
    "duplicate key": ("a: 1\nb:\n  c: 1\n  c: 2", codes.DUPLICATE_KEY, 14, 3),
    "duplicate after conversion": ("8080: 1\n'8080': 2", codes.DUPLICATE_KEY, 12, 1),
    "two merges": ("a: &a {}\nb:\n  <<: *a\n  <<: *a", codes.DUPLICATE_KEY, 14, 3),
    "no anchor": ("a: *b", codes.ALIASES, 11, 4),
    "recursion": ("a: &a\n  b: *a", codes.ALIASES, 12, 6),
    "deep": ("[" * (MAX_DEPTH + 1), codes.TOO_DEEP, 11, MAX_DEPTH + 1),
    "long scalar": ("a: " + "x" * (MAX_SCALAR + 1), codes.TOO_LARGE, 11, 4),
    "long document": ("a: b\n" * (MAX_DOCUMENT // 5 + 1), codes.TOO_LARGE, 11, 1),
}


@BOTH
@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_values(text: str, value: object, pure: bool) -> None:
    assert parse(text, pure=pure).problem is None
    assert parse(text, pure=pure).value == value


@BOTH
@pytest.mark.parametrize(("text", "code", "line", "column"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems_have_their_place(text: str, code: Code, line: int, column: int, pure: bool) -> None:
    problem = parse(text, 11, pure).problem
    assert problem is not None
    assert problem.code is code
    if pure and code is codes.SYNTAX:
        assert abs(problem.line - line) <= 1, "the two parsers may differ in where they notice"
    else:
        assert (problem.line, problem.column) == (line, column)
    words = dict(problem.args)
    assert code.template.format_map(words) and code.help.format_map(words)


def test_duplicate_keys_name_both_places() -> None:
    problem = parse("a:\n  x: 1\n  y: {x: 2}\n  x: 3", 20).problem
    assert problem is not None
    assert (problem.line, problem.column) == (23, 3)
    assert dict(problem.args) == {"key": "x", "line": "21"}


@pytest.mark.parametrize(
    ("text", "word"),
    [("a:\n\tb: 1", "tabs"), ("a: {{ .V }}", "helm template"), ("a: '{{ x", "helm template"), ("a: [", "bracket")],
)
def test_syntax_errors_say_what_to_do(text: str, word: str) -> None:
    problem = parse(text).problem
    assert problem is not None and word in dict(problem.args)["fix"]


def test_json_with_tabs_and_escapes() -> None:
    text = '{\n\t"a": "\\u00e9\\ud83d\\ude00\\/",\n\t"b": [1, 2.5, null, true]\n}'
    assert parse(text).value == json.loads(text)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('{\n"a": "\\ud83d\\ude00", "b": 1,\n"b": 2}', codes.DUPLICATE_KEY, 3),
        ('{\n"a": "\\ud83d"}', codes.SYNTAX, 2),
        ('{\n"a" 1}', codes.SYNTAX, 2),
        ('{"a": 1}\n{"b": 2}', codes.SYNTAX, 2),
        ('{\n"a": "' + "x" * (MAX_SCALAR + 1) + '"}', codes.TOO_LARGE, 2),
        ('{"a":' * 200_000, codes.TOO_DEEP, 1),
    ],
    ids=["duplicate key", "half a surrogate pair", "no colon", "two documents", "long text", "deep"],
)
def test_doubtful_json_is_refused_with_its_place(text: str, code: Code, line: int) -> None:
    problem = parse(text).problem
    assert problem is not None and (problem.code, problem.line) == (code, line)


def test_a_list_of_many_objects_may_be_long() -> None:
    item = "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
    text = "kind: List\nitems:\n" + item * (MAX_DOCUMENT // len(item) + 1)
    assert parse(text).problem is None


def test_an_alias_bomb_costs_next_to_nothing() -> None:
    levels = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    started = time.process_time()
    problem = parse("\n".join(levels)).problem
    assert problem is not None and problem.code is codes.ALIASES
    assert time.process_time() - started < 1


def test_merges_of_merges_are_bounded_too() -> None:
    wide = "a0: &a0 {" + ", ".join(f"k{n}: {'v' * 100}" for n in range(1000)) + "}\n"
    text = wide + "".join(f"b{n}: {{<<: *a0}}\n" for n in range(1000))
    problem = parse(text).problem
    assert problem is not None and problem.code is codes.ALIASES
