"""Regular expressions of manifests are for decoded paths; Envoy matches paths as they were sent, percent-encoded.

An expression becomes one that takes a path however it is written. By the time that Envoy matches, a listener has
decoded letters, digits and `-._~`, has led `%2F` and `%5C` to their plain forms, and a host with expressions has
answered 400 where a percent sign begins no escape. Rule: what the given one takes of decoded paths, that and nothing
else the new one takes of written ones, but for `.`, which takes a line feed too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")  # never percent-encoded
_NEVER = _PLAIN | frozenset(b"\\\x00")  # bytes that no escape stands for
_ALL = frozenset(range(256))
_DIGITS = frozenset(b"0123456789")
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_SPACE = frozenset(b" \t\n\v\f\r")
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE, "D": _ALL - _DIGITS, "W": _ALL - _WORD, "S": _ALL - _SPACE}
_CONTROLS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_TOKEN = re.compile(
    r"(?P<head>\((?:\?(?:P<\w+>|[ims]*(?:-[ims]+)?[:)]))?)"
    r"|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<repeat>[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??)"
    r"|(?P<code>%[0-9A-Fa-f]{2}(?![*+?]|\{[0-9]))"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<byte>\\x[0-9A-Fa-f]{2})|(?P<escape>\\.)|(?P<char>.)",
    re.DOTALL,
)
_ELEMENT = re.compile(r"\\x[0-9A-Fa-f]{2}|\\.|.", re.DOTALL)
_ATOMS = ("code", "set", "byte", "escape", "char")
_BOUNDARY = "it has \\b or \\B behind something that may be percent-encoded"
_LINES = re.compile(r"\(\?[is]*m")
_TO_A_SLASH = re.compile(r"[*+]\)*(?:/(?![*?{])|\Z)")  # what takes all up to there takes whole escapes
_ANYTHING = "(?:[!-$&-~]|%[!-~]{2})"


class BoundaryError(ValueError):
    """A word's boundary that Envoy could not see as nginx does."""


def encoded_regex(pattern: str) -> str:
    """The expression for paths as they are sent. `pattern` has no problems (regex.re2_problem).

    Raises BoundaryError.
    """
    return "".join(_tokens(pattern))


def _tokens(pattern: str) -> Iterator[str]:
    lines = _LINES.search(pattern) is not None
    groups = [_Group(True)]
    for found in _TOKEN.finditer(pattern):
        kind, text = found.lastgroup, found[0]
        group = groups[-1]
        if text in ("\\b", "\\B"):
            if not group.plain:
                raise BoundaryError(_BOUNDARY)
            yield text
            continue
        if kind == "head" and not text.endswith(")"):
            groups.append(_Group(group.plain))
        elif kind == "close":
            groups.pop()
            groups[-1].read(group.plain and group.branches)
        elif kind == "bar":
            group.next_branch()
        elif kind == "repeat":
            group.repeated(text)
        greedy = text in (".", "[^/]") and _TO_A_SLASH.match(pattern, found.end()) is not None
        made = text if kind == "head" or greedy else _made(kind, text, lines)
        if kind in _ATOMS and text not in ("^", "\\A"):
            group.read(made == text and not greedy)
        yield made


class _Group:
    """What was read last within one group: `plain` says that it surely was no percent-encoded character."""

    def __init__(self, plain: bool) -> None:
        self._start = self._before = self.plain = plain
        self.branches = True

    def read(self, plain: bool) -> None:
        """One more part."""
        self._before, self.plain = self.plain, plain

    def repeated(self, text: str) -> None:
        """The last part may come again or, by some texts, not at all."""
        if text[0] in "*?" or text.startswith("{0"):
            self.plain = self.plain and self._before

    def next_branch(self) -> None:
        """What has been read so far is one of several."""
        self.branches = self.branches and self.plain
        self._before = self.plain = self._start


def _made(kind: str | None, text: str, lines: bool) -> str:
    if kind in ("close", "bar", "repeat") or text in ("^", "\\A"):
        return text
    if text == ".":
        return _ANYTHING
    if text == "$":
        return "(?:(?:%0[aA])?$|%0[aA])" if lines else "(?:(?:%0[aA])?$)"
    if kind == "code":
        return _code(int(text[1:], 16), text[1:])
    if kind == "set":
        return _set(text)
    if kind == "escape" and text[1] in _CLASSES:
        return _either(_CLASSES[text[1]], text)
    return _either(frozenset({_byte(text)}), text)


def _byte(text: str) -> int:
    """The character that one element stands for."""
    if text[0] != "\\":
        return ord(text)
    if text.startswith("\\x"):
        return int(text[2:], 16)
    return _CONTROLS.get(text[1], ord(text[1]))


def _code(byte: int, digits: str) -> str:
    """An escape that somebody wrote into an expression: what it stands for, or the three characters themselves."""
    return f"(?:{_either(frozenset({byte}), '')}|%25{digits})"


def _set(text: str) -> str:
    """A class. With a caret it stays one with a caret: without regard to case the two differ."""
    body = text[1:-1]
    inverted = body.startswith("^")
    listed = _listed(body[inverted:])
    if not inverted:
        return _either(listed, text)
    codes = _codes(_ALL - listed)
    others = f"[^%{body[1:] if body[1] != ']' else chr(92) + body[1:]}]"
    return f"(?:{others}|{codes})" if codes else others


def _listed(body: str) -> frozenset[int]:
    """What a class lists."""
    found: set[int] = set()
    elements = _ELEMENT.findall(body)
    at = 0
    while at < len(elements):
        each = elements[at]
        if each[0] == "\\" and each[1] in _CLASSES:
            found |= _CLASSES[each[1]]
        elif at + 2 < len(elements) and elements[at + 1] == "-" and elements[at + 2][1:] not in _CLASSES:
            found.update(range(_byte(each), _byte(elements[at + 2]) + 1))
            at += 2
        else:
            found.add(_byte(each))
        at += 1
    return frozenset(found)


def _either(wanted: frozenset[int], text: str) -> str:
    """One of some characters, plain or percent-encoded; `text` itself where nothing is ever encoded."""
    codes = _codes(wanted)
    if not codes and text:
        return text
    plain = sorted(byte for byte in wanted if 0x20 < byte < 0x7F and byte != ord("%"))
    if not plain:
        return f"(?:{codes})" if codes else "[^\\x00-\\x7f]"
    raw = _escaped(plain[0]) if len(plain) == 1 else f"[{''.join(_ranges(plain))}]"
    return f"(?:{raw}|{codes})" if codes else raw


def _ranges(plain: list[int]) -> Iterator[str]:
    first = last = plain[0]
    for byte in [*plain[1:], 0x7F + 1]:
        if byte == last + 1:
            last = byte
            continue
        yield _escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}"
        first = last = byte


def _escaped(byte: int) -> str:
    char = chr(byte)
    return char if char.isalnum() or char in "_/" else f"\\{char}"


def _codes(wanted: frozenset[int]) -> str:
    """An expression for the escapes of these bytes; empty where no escape ever stands for them. An escape that never
    occurs is in or out as it makes the expression shorter."""
    if not wanted - _NEVER:
        return ""
    rows: dict[frozenset[int], list[int]] = {}
    for high in range(16):
        lows = frozenset(low for low in range(16) if high * 16 + low in wanted - _NEVER)
        idle = frozenset(low for low in range(16) if high * 16 + low in _NEVER)
        if lows:
            whole = len(lows) > 8 and lows | idle == frozenset(range(16))
            rows.setdefault(frozenset(range(16)) if whole else lows, []).append(high)
    parts = [f"{_digits(highs)}{_digits(sorted(lows))}" for lows, highs in rows.items()]
    return f"%{parts[0]}" if len(parts) == 1 else f"%(?:{'|'.join(parts)})"


def _digits(values: list[int]) -> str:
    """One hexadecimal digit of some, in either case."""
    if len(values) == 16:
        return "[0-9A-Fa-f]"
    text = "".join(f"{value:X}" if value < 10 else f"{value:X}{value:x}" for value in values)
    return text if len(text) == 1 else f"[{text}]"
