"""One YAML or JSON document to plain values, as kubectl reads it, with the place of whatever is wrong.

Knows nothing of Kubernetes but its limits. Rule: no input raises, and none costs more than its size.
"""

from __future__ import annotations

import json
import re

import msgspec
from msgspec import Struct
from yaml.error import YAMLError

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code, printable
from isthmus.kube.nodes import first_of_two, yaml_of_json
from isthmus.kube.yaml_build import MAX_SCALAR, Builder, Refused, size
from isthmus.kube.yaml_events import place_of, reader_of, reason_of

MAX_DOCUMENT = 3 * 1024 * 1024  # characters; what the API server takes in one request
MAX_LIST = 64 * 1024 * 1024  # characters; a List holds many objects

LIST = re.compile(r"""^[ \t]*"?kind"?[ \t]*:[ \t]*["']?\w*List\b""", re.MULTILINE)


class Problem(Struct, frozen=True, gc=False):
    """Why a document has no value. Line and column count from 1, the line within the file."""

    code: Code
    line: int
    column: int
    args: tuple[tuple[str, str], ...] = ()


class Parsed(Struct, frozen=True):
    """A document's value (None for an empty one), or the problem."""

    value: object = None
    problem: Problem | None = None


class _Doubtful(Exception):  # noqa: N818
    """It is JSON, but something in it is to be refused: the YAML reader says what and where."""


def parse(text: str, line: int = 1, pure: bool = False) -> Parsed:
    """Read one document that starts on a line. `pure` takes PyYAML's own parser even where libyaml is there."""
    try:
        _check_size(text)
        if text.lstrip()[:1] == "{":
            try:
                return Parsed(_json(text))
            except _Doubtful:
                text = yaml_of_json(text)
            except (ValueError, RecursionError):
                pass  # YAML that looks like JSON, or a mistake for which the YAML reader has words
        return Parsed(Builder(reader_of(text, pure)).run())
    except (Refused, YAMLError) as error:
        return Parsed(problem=_problem(error, line, text))


def _check_size(text: str) -> None:
    if len(text) <= MAX_DOCUMENT:
        return
    most = MAX_LIST if LIST.search(text) else MAX_DOCUMENT
    if len(text) > most:
        raise Refused(codes.TOO_LARGE, 0, 0, what="the document", size=size(len(text)), most=size(most))


def _problem(error: Refused | YAMLError, start: int, text: str) -> Problem:
    if isinstance(error, Refused):
        code, line, column, words = error.code, error.line, error.column, error.words
    else:
        line, column = place_of(error, text)
        code, words = codes.SYNTAX, _syntax_words(error, text, line)
    lines = text.rstrip().split("\n")
    if line >= len(lines):  # noticed at the end: show the end of what is there
        line, column = len(lines) - 1, len(lines[-1])
    if code is codes.DUPLICATE_KEY:
        first = first_of_two(text, line, column)
        words = words | {"line": "?" if first is None else start + first}
    args = tuple((name, printable(value)) for name, value in words.items())
    return Problem(code, start + line, column + 1, args)


def _syntax_words(error: YAMLError, text: str, line: int) -> dict[str, object]:
    lines = text.split("\n")
    if lines[min(line, len(lines) - 1)].lstrip(" ").startswith("\t"):
        fix = "indent with spaces; YAML does not allow tabs"
    elif "{{" in text:
        fix = "this looks like a template; render it first (helm template)"
    else:
        fix = "look for a missing quote, colon or bracket, or an indentation that is off, on this line or above it"
    return {"language": "YAML", "problem": reason_of(error), "fix": fix}


def _json(text: str) -> object:
    """The value of a JSON text. Raises ValueError, RecursionError or _Doubtful."""
    value = json.loads(text, object_pairs_hook=_unique)
    if "\\ud" in text.lower():
        msgspec.json.decode(text)  # refuses halves of surrogate pairs, which json lets through
    if len(text) > MAX_SCALAR and _longest(value) > MAX_SCALAR:
        raise _Doubtful
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubtful
    return found


def _longest(value: object) -> int:
    longest = 0
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            longest = max(longest, len(each))
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return longest
