"""Numbers on the command line, and what is said of those that are out of range.

Rule: messages and help say a range in words, without the names of Python's types.
"""

from __future__ import annotations

import math

import click


class Whole(click.ParamType[int]):
    """A whole number from `least` to `most`."""

    name = "number"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            found = int(str(value))
        except ValueError:
            found = None
        if found is None or found < self._least or (self._most is not None and found > self._most):
            expected = f"a whole number {_range(self._least, self._most)}"
            self.fail(f"expected {expected}, found {value}", param, ctx)
        return found


class Real(click.ParamType[float]):
    """A number from `least` to `most`; with `above`, more than `least`."""

    name = "number"

    def __init__(self, least: float, most: float | None = None, above: bool = False) -> None:
        self._least, self._most, self._above = least, most, above

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            found = float(str(value))
        except ValueError:
            found = math.nan
        fits = self._least < found if self._above else self._least <= found
        if not fits or found > (math.inf if self._most is None else self._most) or math.isinf(found):
            expected = f"more than {self._least:g}" if self._above else _range(self._least, self._most)
            self.fail(f"expected a number {expected}, found {value}", param, ctx)
        return found


PORT = Whole(1, 65535)


def _range(least: float, most: float | None) -> str:
    return f"of {least:g} or more" if most is None else f"from {least:g} to {most:g}"
