"""What a plain YAML scalar means to kubectl, which is neither YAML 1.1 as PyYAML reads it nor YAML 1.2.

Follows `resolve` of sigs.k8s.io/yaml/goyaml.v2: yes, on and y are booleans, 010 and 0o10 are 8, 1_000 is 1000;
dates, 12:30 and a lone = are strings. Rule: never raises, whatever the text.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

# The first characters of every plain scalar that may be something else than a string.
SUSPECT = frozenset("yYnNtTfFoO~+-.0123456789")

_WORDS: dict[str, Scalar] = {
    **{word: True for each in ("y", "yes", "true", "on") for word in (each, each.capitalize(), each.upper())},
    **{word: False for each in ("n", "no", "false", "off") for word in (each, each.capitalize(), each.upper())},
    **{word: None for word in ("", "~", "null", "Null", "NULL")},
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{"-" + word: -math.inf for word in (".inf", ".Inf", ".INF")},
    **{word: math.nan for word in (".nan", ".NaN", ".NAN")},
}
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST = 400  # no finite number needs more characters
_EXACT = 2**53


def resolve(text: str) -> Scalar:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in "+-.0123456789" and len(text) <= _LONGEST:
        return _number(text)
    return text


def _number(text: str) -> str | int | float:
    plain = text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        value = _integer(plain)
        if -(2**63) <= value < 2**64:
            return value
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    if math.isinf(number):
        return text
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _integer(plain: str) -> int:
    digits = plain.lstrip("+-")
    sign = -1 if plain[0] == "-" else 1
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567":
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def spelled(value: object) -> str | None:
    """A mapping key as JSON has it: text, or the spelling of a number or boolean; None where it cannot be one."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None
