"""Regular expressions of manifests: whether RE2, which Envoy runs, reads one as its author meant it.

nginx runs PCRE. What RE2 does not have, or reads otherwise, is named, so that the author knows what to change. What
is let through means the same to PCRE, RE2 and Python's re, and never compiles to more than Envoy is told to take.
Source: RE2's wiki page Syntax, and its limits on repetition.
"""

from __future__ import annotations

import re

from isthmus.dialects.ingress.grammar.encoded_regex import BoundaryError, encoded_regex

LONGEST = 1_000  # characters
_MOST_REPEATS = 1_000  # RE2's own limit, nested ones multiplied
_LARGEST = 12_000  # steps; Envoy is told to refuse a host with more than 20,000 in one expression
_DEEPEST = 50  # groups in groups
_ESCAPES = frozenset("dDwWsSbBAafnrtv")
_GROUP = re.compile(r"\((?:\?(?P<kind>P<[A-Za-z_][A-Za-z0-9_]{0,31}>|[ims]{0,3}(?:-[ims]{1,3})?:|))?")
_REPEAT = re.compile(r"[*+?]|\{(?P<low>[0-9]+)(?P<comma>,)?(?P<high>[0-9]+)?\}")
_STRANGE = {
    "(?=": "a look ahead (?=",
    "(?!": "a look ahead (?!",
    "(?<=": "a look behind (?<=",
    "(?<!": "a look behind (?<!",
    "(?>": "an atomic group (?>",
    "(?(": "a conditional group (?(",
    "(?|": "a branch reset (?|",
    "(?#": "a comment (?#",
    "(?<": "a named group (?<; write (?P<",
    "(?P=": "a back reference (?P=",
    "(?P>": "a recursion (?P>",
    "(?&": "a recursion (?&",
    "(?R": "a recursion (?R",
}
_ESCAPED = {
    "Q": "quoting \\Q",
    "E": "quoting \\E",
    "K": "\\K",
    "G": "\\G",
    "R": "\\R",
    "h": "\\h; write [ \\t]",
    "Z": "\\Z; write $",
    "z": "\\z; write $",
    "p": "a property \\p; write a class such as [a-z]",
    "P": "a property \\P; write a class such as [^a-z]",
    "_": "\\_; write _",
    "g": "a back reference \\g",
    "k": "a back reference \\k",
}
_QUOTED = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")  # where ( ) and | are only characters
_LITERAL = re.compile(r"\\([^A-Za-z0-9])|[A-Za-z0-9/_~%!,;:=@&'\"<>#` -]")
_WIDE = frozenset("kKsS")  # letters with a relative outside ASCII


def re2_problem(pattern: str) -> str | None:
    """What RE2 does not have in an expression, in words; None where all is well."""
    if len(pattern) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if not (pattern.isascii() and pattern.isprintable()):
        return "it holds a character that is not printable ASCII"
    return _unreadable(pattern)


def path_regex(pattern: str) -> tuple[str, str | None]:
    """An expression for decoded paths as one for paths as they are sent; and what is wrong with it."""
    problem = re2_problem(pattern)
    if problem is not None:
        return "", problem
    try:
        sent = encoded_regex(pattern)
    except BoundaryError as error:
        return "", str(error)
    return sent, _unreadable(sent) if sent != pattern else None


def _unreadable(pattern: str) -> str | None:
    try:
        _Scan(pattern).run()
        re.compile(pattern)
    except _ReadError as problem:
        return str(problem)
    except (re.error, OverflowError, FutureWarning) as error:
        return f"it cannot be read: {error}"
    return None


def whole(pattern: str) -> str:
    """An expression that takes a whole text where `pattern` is found anywhere in it. Leading flags stay flags."""
    flags = re.match(r"\(\?([ims]{1,3})\)", pattern)
    return f"(?s:.*)(?{flags[1]}:{pattern[flags.end() :]})(?s:.*)" if flags else f"(?s:.*)(?:{pattern})(?s:.*)"


def sent_start(pattern: str) -> str:
    """The text that everything begins with, as it is sent, which `pattern` takes of decoded paths."""
    return re.split(r"[^A-Za-z0-9._~/-]", literal_start(pattern), maxsplit=1)[0] or "/"


def literal_start(pattern: str) -> str:
    """The text that everything which `pattern` takes begins with, as far as that is plain to see."""
    depth = 0
    for char in _QUOTED.sub("", pattern) if "|" in pattern else "":
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "|" and depth == 0:
            return ""
    text: list[str] = []
    end = 0
    while found := _LITERAL.match(pattern, end):
        text.append(found[1] or found[0])
        end = found.end()
    return "".join(text[:-1] if pattern[end : end + 1] in ("*", "?", "{") else text)


class _ReadError(Exception):
    """Why an expression cannot be had; never leaves this module."""


class _Part:
    """One group while it is read. `size` in steps, `repeats` the largest product of nested counts."""

    def __init__(self) -> None:
        self.size = self.repeats = 1
        self.last: tuple[int, int] | None = None  # (size, repeats) of what a repetition would repeat

    def add(self, size: int, repeats: int = 1) -> None:
        self.size += size
        self.repeats = max(self.repeats, repeats)
        self.last = (size, repeats)
        if self.size > _LARGEST:
            raise _ReadError("it is too large, by its repetitions or its classes")


class _Scan:
    """One pass over an expression. Raises _ReadError."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._open = [_Part()]

    def run(self) -> None:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if len(self._open) > 1:
            raise _ReadError("a ( is never closed")

    def _step(self, char: str) -> None:
        part = self._open[-1]
        repeat = _REPEAT.match(self._text, self._at)
        if char == "(":
            self._group()
        elif char == ")":
            self._close()
        elif char == "[":
            self._class()
        elif char == "\\":
            self._escape()
        elif char == "|":
            part.last = None
            self._at += 1
        elif repeat:
            self._repeat(repeat)
        else:
            if char == "{" and re.match(r"\{,[0-9]+\}", self._text[self._at :]):
                raise _ReadError("it has {,n}; write {0,n}")
            part.add({".": 12, "^": 2, "$": 2}.get(char, 8 if char in _WIDE else 2))
            self._at += 1

    def _group(self) -> None:
        for start, name in _STRANGE.items():
            if self._text.startswith(start, self._at):
                raise _ReadError(f"it has {name}")
        found = _GROUP.match(self._text, self._at)
        if found is None or (found["kind"] == "" and self._text.startswith("(?", self._at)):
            raise _ReadError(f"it has {self._text[self._at : self._at + 4]}")
        if len(self._open) > _DEEPEST:
            raise _ReadError(f"its groups are nested more than {_DEEPEST} deep")
        self._open.append(_Part())
        self._at = found.end()

    def _close(self) -> None:
        if len(self._open) == 1:
            raise _ReadError("a ) closes nothing")
        done = self._open.pop()
        self._open[-1].add(done.size + 2, done.repeats)
        self._at += 1

    def _class(self) -> None:
        end = self._at + 1
        end += self._text.startswith("^", end)
        first = end
        while end < len(self._text) and (self._text[end] != "]" or end == first):
            if self._text[end] == "[":
                raise _ReadError("it has [ within a class; write \\[, or the characters of [:a class:]")
            if self._text[end : end + 2] in ("--", "&&", "||", "~~"):
                raise _ReadError(f"it has {self._text[end : end + 2]} within a class")
            if self._text[end] == "\\":
                self._check_escape(end, in_class=True)
                end += 1
            end += 1
        if end >= len(self._text):
            raise _ReadError("a [ is never closed")
        self._open[-1].add(24 + 2 * (end - first))
        self._at = end + 1

    def _escape(self) -> None:
        self._check_escape(self._at, in_class=False)
        char = self._text[self._at + 1]
        self._open[-1].add(24 if char in "dDwWsS" else 2)
        self._at += 4 if char == "x" else 2

    def _check_escape(self, at: int, in_class: bool) -> None:
        char = self._text[at + 1 : at + 2]
        if not char:
            raise _ReadError("it ends in a backslash")
        if char.isdigit():
            raise _ReadError(f"it has a back reference \\{char}")
        if char in _ESCAPED:
            raise _ReadError(f"it has {_ESCAPED[char]}")
        if char == "x" and re.match(r"[0-9a-fA-F]{2}", self._text[at + 2 :]):
            return
        if char.isalpha() and (char not in _ESCAPES or (in_class and char in "bBA")):
            raise _ReadError(f"it has \\{char}")

    def _repeat(self, found: re.Match[str]) -> None:
        part = self._open[-1]
        if part.last is None:
            raise _ReadError(f"{found[0]} repeats nothing")
        size, repeats = part.last
        if found["low"]:
            low = int(found["low"])
            high = int(found["high"] or 0) or low
            if max(low, high) * repeats > _MOST_REPEATS:
                raise _ReadError(f"{found[0]} repeats more than {_MOST_REPEATS} times")
            part.add(size * max(low, high) + 2, max(low, high, 1) * repeats)
        else:
            part.add(2, repeats)
        part.last = None
        self._at = found.end()
        following = self._text[self._at : self._at + 1]
        if following == "+":
            raise _ReadError(f"it has a possessive repetition {found[0]}+")
        self._at += following == "?"
