"""nginx's configuration language, as far as simple directives go: words, quotes, escapes, comments, semicolons.

Knows the grammar and no directive. Rule: every character of the text is accounted for; what does not end properly,
or opens a block, is a fault with its line, never skipped. Source: nginx, ngx_conf_file.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_LONGEST = 32_768  # characters
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<comment>\#[^\n]*)
    |(?P<end>;)
    |(?P<block>[{}])
    |"(?P<double>(?:[^"\\]|\\.)*)"(?P<after_double>(?=[ \t\r\n;{]|$)|.)
    |'(?P<single>(?:[^'\\]|\\.)*)'(?P<after_single>(?=[ \t\r\n;{]|$)|.)
    |(?P<bare>(?:[^"'\s;{}\#\\$]|\\.|\$\{?)(?:[^\s;{\\$]|\\.|\$\{?)*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"""\\(["'\\trn])""")
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}


class Directive(Struct, frozen=True, gc=False):
    """A simple directive; `line` counts from 1."""

    name: str
    args: tuple[str, ...]
    line: int


class Fault(Struct, frozen=True, gc=False):
    """Why a text holds more, or less, than simple directives."""

    line: int
    reason: str


class _Word(Struct, frozen=True, gc=False):
    text: str
    line: int


_END = _Word(";", 0)


def directives(text: str) -> tuple[Directive, ...] | Fault:
    """All directives of a text, in order; or the first thing that is none."""
    found: list[Directive] = []
    words: list[_Word] = []
    for token in _tokens(text):
        if isinstance(token, Fault):
            opened = f"{words[0].text} opens a block" if token.reason == "{" and words else ""
            return Fault(words[0].line if words else token.line, opened) if opened else token
        if token is not _END:
            words.append(token)
        elif words:
            found.append(Directive(words[0].text, tuple(word.text for word in words[1:]), words[0].line))
            words = []
    if words:
        return Fault(words[0].line, f"{words[0].text} has no semicolon")
    return tuple(found)


def words(text: str) -> tuple[str, ...] | Fault:
    """The arguments that a text is, where it stands for a part of one directive."""
    found: list[str] = []
    for token in _tokens(text):
        if isinstance(token, Fault):
            return token
        if token is _END:
            return Fault(1, "a semicolon cannot be in it")
        found.append(token.text)
    return tuple(found)


def _tokens(text: str) -> Iterator[_Word | Fault]:
    if len(text) > _LONGEST:
        yield Fault(1, f"longer than {_LONGEST} characters")
        return
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            yield Fault(line, "a quote or an escape that does not end")
            return
        if found["block"]:
            yield Fault(line, found["block"])
            return
        if found["after_double"] or found["after_single"]:
            yield Fault(line, "a quote that is followed by neither a space nor a semicolon")
            return
        word = next((found[kind] for kind in ("double", "single", "bare") if found[kind] is not None), None)
        if word is not None:
            yield _Word(_ESCAPED.sub(lambda each: _ESCAPES.get(each[1], each[1]), word), line)
        elif found["end"]:
            yield _END
        line += found[0].count("\n")
        at = found.end()
