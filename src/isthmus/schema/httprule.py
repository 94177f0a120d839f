"""Path templates of google.api.http: parsed, matched against paths, filled in, and turned into expressions for Envoy.

Grammar (google/api/http.proto): `/` segments [`:` verb]; a segment is a literal, `*` (one segment), `**` (the rest,
last only) or `{field.path=segments}`; `{field}` is `{field=*}`. Paths are matched as sent: a variable of one segment
is fully percent-decoded, one of several keeps what is encoded of reserved characters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

ONE, REST = "*", "**"
_LITERAL = re.compile(r"(?:[A-Za-z0-9._~!$&'()+,;=@-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = "!#$&'()*+,/:;=?@[]"


class TemplateError(ValueError):
    """What is wrong with a template, and at which character (from 0)."""

    def __init__(self, text: str, at: int, expected: str) -> None:
        found = repr(text[at]) if at < len(text) else "the end"
        super().__init__(f"{text}: at character {at + 1}: expected {expected}, found {found}")
        self.at = at


class Variable(Struct, frozen=True, gc=False):
    """A part of the path that fills a field. `segments` holds literals, `*` and `**`; `start` is its first segment."""

    field_path: tuple[str, ...]
    segments: tuple[str, ...]
    start: int

    @property
    def name(self) -> str:
        """The field path with dots."""
        return ".".join(self.field_path)

    @property
    def single(self) -> bool:
        """Whether it stands for exactly one segment."""
        return self.segments == (ONE,)


class Template(Struct, frozen=True):
    """A parsed template. `segments` are all segments, those of variables too; `verb` is without its colon."""

    text: str
    segments: tuple[str, ...]
    variables: tuple[Variable, ...] = ()
    verb: str = ""

    def match(self, path: str) -> dict[str, str] | None:
        """The variables' values (by dotted field path) if the template takes the path, given without its query."""
        found = _pattern(self).fullmatch(path)
        if found is None:
            return None
        values: dict[str, str] = {}
        for index, variable in enumerate(self.variables):
            sent = found[f"v{index}"]
            values[variable.name] = _decoded(sent) if variable.single else _decoded_but_reserved(sent)
        return values

    def expand(self, values: Mapping[str, str]) -> str:
        """The path that `match` reads these values from. Raises KeyError for a variable that is missing."""
        out: list[str] = []
        at = 0
        for variable in sorted(self.variables, key=lambda each: each.start):
            out += self.segments[at : variable.start]
            value = values[variable.name]
            out.append(quote(value, safe="") if variable.single else quote(value, safe="/"))
            at = variable.start + len(variable.segments)
        out += self.segments[at:]
        return "/" + "/".join(out) + (f":{self.verb}" if self.verb else "")

    def regex(self) -> str:
        """An RE2 expression for every path that it takes, without capture groups."""
        return "".join(_expression(self, named=False))

    @property
    def specificity(self) -> tuple[tuple[int, ...], bool, str]:
        """A sort key: a template that is to be tried first is smaller. Literals beat `*`, which beats `**`."""
        kinds = tuple({ONE: 1, REST: 2}.get(segment, 0) for segment in self.segments)
        return (*kinds, 1 if REST not in self.segments else 3), not self.verb, self.text


@functools.lru_cache(maxsize=65_536)
def parse(template: str) -> Template:
    """Parse a template. Raises TemplateError."""
    return _Parser(template).template()


@functools.lru_cache(maxsize=65_536)
def _pattern(template: Template) -> re.Pattern[str]:
    return re.compile("".join(_expression(template, named=True)))


_SEGMENT = "[^/]+"


def _expression(template: Template, named: bool) -> Iterator[str]:
    starts = {variable.start: index for index, variable in enumerate(template.variables)}
    ends = {variable.start + len(variable.segments) for variable in template.variables}
    for index, segment in enumerate(template.segments):
        yield "/"
        if named and index in starts:
            yield f"(?P<v{starts[index]}>"
        yield {ONE: _SEGMENT, REST: ".*"}.get(segment) or re.escape(segment)
        if named and index + 1 in ends:
            yield ")"
    if template.verb:
        yield ":" + re.escape(template.verb)


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _decoded_but_reserved(text: str) -> str:
    """Percent-decoded, except for reserved characters, which stay as they were sent (http.proto)."""
    parts = re.split(r"(%[0-9A-Fa-f]{2})", text)
    kept = [p if p.startswith("%") and chr(int(p[1:], 16)) in _RESERVED else None for p in parts]
    out, run = [], ""
    for part, keep in zip(parts, kept, strict=True):
        if keep is None:
            run += part
        else:
            out += [_decoded(run), keep]
            run = ""
    return "".join([*out, _decoded(run)])


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.segments: list[str] = []
        self.variables: list[Variable] = []

    def template(self) -> Template:
        self._expect("/")
        self._segments(inside=False)
        verb = ""
        if self._peek() == ":":
            self.at += 1
            verb = self._take(_LITERAL, "a verb")
        if self.at < len(self.text):
            raise TemplateError(self.text, self.at, "'/', ':' or the end")
        names = [variable.name for variable in self.variables]
        if len(set(names)) != len(names):
            raise TemplateError(self.text, len(self.text), "each field at most once")
        if REST in self.segments[:-1]:
            raise TemplateError(self.text, self.text.index(REST) + 2, "nothing after '**' but a verb")
        return Template(self.text, tuple(self.segments), tuple(self.variables), verb)

    def _segments(self, inside: bool) -> None:
        while True:
            self._one(inside)
            if self._peek() != "/":
                return
            self.at += 1

    def _one(self, inside: bool) -> None:
        if self._peek() == "{":
            if inside:
                raise TemplateError(self.text, self.at, "no variable inside a variable")
            self._variable()
        elif self.text.startswith(REST, self.at):
            self.at += 2
            self.segments.append(REST)
        elif self._peek() == ONE:
            self.at += 1
            self.segments.append(ONE)
        else:
            self.segments.append(self._take(_LITERAL, "a segment"))

    def _variable(self) -> None:
        self._expect("{")
        names = [self._take(_NAME, "a field name")]
        while self._peek() == ".":
            self.at += 1
            names.append(self._take(_NAME, "a field name"))
        start = len(self.segments)
        if self._peek() == "=":
            self.at += 1
            self._segments(inside=True)
        else:
            self.segments.append(ONE)
        self._expect("}")
        self.variables.append(Variable(tuple(names), tuple(self.segments[start:]), start))

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _expect(self, letter: str) -> None:
        if self._peek() != letter:
            raise TemplateError(self.text, self.at, f"'{letter}'")
        self.at += 1

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise TemplateError(self.text, self.at, what)
        self.at = found.end()
        return found[0]
