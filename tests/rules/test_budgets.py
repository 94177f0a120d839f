"""Files, functions and parameter lists stay small enough to be read at once.

Over the soft limit needs an entry in EXCEPTIONS with its reason; nothing goes over the hard limit. An exception
that is no longer needed fails too, so that the list only ever shrinks or is argued for.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "isthmus"
# what: (soft limit, hard limit)
LIMITS = {"lines of a file": (300, 450), "lines of a function": (40, 60), "parameters": (6, 6)}
# (what, place): why it may stand over the soft limit; a place is a path under src/isthmus, or path::function.
EXCEPTIONS: dict[tuple[str, str], str] = {}


def _measures(place: str, text: str) -> Iterator[tuple[str, str, int]]:
    """(what, place, size) of everything in one file that has a limit."""
    yield "lines of a file", place, len(text.splitlines())
    yield from _functions(place + "::", ast.parse(text))


def _functions(prefix: str, node: ast.AST) -> Iterator[tuple[str, str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = prefix + child.name
            yield "lines of a function", name, (child.end_lineno or 0) - child.lineno + 1
            yield "parameters", name, _parameters(child.args)
            yield from _functions(name + ".", child)
        else:
            inner = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
            yield from _functions(inner, child)


def _parameters(arguments: ast.arguments) -> int:
    named = [*arguments.posonlyargs, *arguments.args]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    return len(named) + len(arguments.kwonlyargs) + bool(arguments.vararg) + bool(arguments.kwarg)


def _all() -> list[tuple[str, str, int]]:
    return [
        measure
        for path in sorted(SOURCE.rglob("*.py"))
        for measure in _measures(path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8"))
    ]


def test_nothing_is_over_its_budget() -> None:
    measured = _all()
    assert len(measured) > 100, f"{SOURCE} holds almost nothing: is the path right?"
    over = [
        f"{place}: {size} {what}, {soft} at most, {hard} even with an exception"
        for what, place, size in measured
        for soft, hard in [LIMITS[what]]
        if size > hard or (size > soft and (what, place) not in EXCEPTIONS)
    ]
    assert not over, "split it along a noun of the domain:\n" + "\n".join(over)


def test_every_exception_is_still_needed_and_reasoned() -> None:
    sizes = {(what, place): size for what, place, size in _all()}
    idle = [key for key in EXCEPTIONS if sizes.get(key, 0) <= LIMITS[key[0]][0]]
    assert not idle, f"within the limit by now, or gone: delete {idle}"
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values()), "an exception says why"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("def f(a, /, b, *c, d, **e): pass", ("parameters", "m::f", 5), id="every-kind-counts"),
        pytest.param("class C:\n  def f(self, a): pass", ("parameters", "m::C.f", 1), id="self-is-free"),
        pytest.param("def f():\n  def g(a): pass", ("parameters", "m::f.g", 1), id="inner"),
        pytest.param("if x:\n  async def f():\n    a\n    b", ("lines of a function", "m::f", 3), id="async"),
        pytest.param("a\nb\n", ("lines of a file", "m", 2), id="file"),
    ],
)
def test_the_measure_itself(source: str, expected: tuple[str, str, int]) -> None:
    assert expected in list(_measures("m", source))
