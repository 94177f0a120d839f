"""Cuts a JSON array, NDJSON or concatenated JSON values into single values while the bytes still come.

Only brackets, strings and separators are looked at; whether a value is good JSON is for whoever parses it. Rule: no
more than one value is held, and none longer than the limit.
"""

from __future__ import annotations

import re

from isthmus.schema.status import RESOURCE_EXHAUSTED, RefusedError

_SPACE = b" \t\r\n\x1e"  # RFC 7464 begins each value with a record separator
_SPACES = re.compile(rb"[ \t\r\n\x1e]+")
_NEXT = re.compile(rb'["\\{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_END_OF_SCALAR = re.compile(rb"[\s,\]\[{}\x1e]")


class JsonStream:
    """Feed it bytes, take whole values; `finish` says whether the end was one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._scanned = 0  # how much of what is held has been looked at
        self._depth = 0
        self._string = False
        self._array = False  # the values are elements of one array
        self._started = False
        self._ended = False  # the array is closed
        self._comma = False  # a comma has come and no element since
        self._between = False  # an element has come and no comma since

    def feed(self, data: bytes) -> list[bytes]:
        """The values that are complete now. Raises RefusedError."""
        self._held += data
        found: list[bytes] = []
        while self._skip() and (end := self._end_of_value()):
            found.append(bytes(self._held[:end]))
            self._take(end)
            self._between = self._array
        if len(self._held) > self._limit:
            raise RefusedError(f"a message is larger than {self._limit} bytes", RESOURCE_EXHAUSTED, 413)
        return found

    def finish(self) -> list[bytes]:
        """The last value, where only the end shows that it is complete. Raises RefusedError if something is missing."""
        found = self.feed(b"\n")
        if self._held.strip(_SPACE):
            raise RefusedError("bad JSON: the body ends in the middle of a message")
        if self._array and not self._ended:
            raise RefusedError("bad JSON: the array is not closed")
        return found

    def _skip(self) -> bool:
        """Go on to the next value; False where there is none yet."""
        while self._scanned == 0:
            if spaces := _SPACES.match(self._held):
                del self._held[: spaces.end()]
            if not self._held:
                return False
            letter = self._held[:1]
            if self._ended:
                raise RefusedError("bad JSON: something follows the array")
            if not self._started:
                self._started = True
                if letter == b"[":
                    self._array = True
                    del self._held[:1]
                    continue
            if not self._array:
                return True
            if not self._separator(letter):
                return True
        return True

    def _separator(self, letter: bytes | bytearray) -> bool:
        """Whether what comes next in an array is a comma or its end; that is taken."""
        if letter == b"]":
            if self._comma:
                raise RefusedError("bad JSON: a comma before the end of the array")
            self._ended = True
        elif letter == b",":
            if not self._between:
                raise RefusedError("bad JSON: a comma without a message before it")
            self._comma, self._between = True, False
        elif self._between:
            raise RefusedError("bad JSON: expected ',' or ']' after a message of the array")
        else:
            self._comma = False
            return False
        del self._held[:1]
        return True

    def _end_of_value(self) -> int:
        """Where the value at the start ends; 0 while it does not."""
        if bytes(self._held[:1]) not in (b"{", b"[", b'"'):
            end = _END_OF_SCALAR.search(self._held, self._scanned or 1)
            self._scanned = len(self._held) if end is None else end.start()
            return 0 if end is None else end.start()
        while True:
            found = (_IN_STRING if self._string else _NEXT).search(self._held, self._scanned)
            if found is None:
                self._scanned = len(self._held)
                return 0
            letter = found[0]
            self._scanned = found.end()
            if letter == b"\\" and self._string:
                if self._scanned >= len(self._held):
                    self._scanned = found.start()  # what it escapes has not come yet
                    return 0
                self._scanned += 1
            elif letter == b'"':
                self._string = not self._string
            elif letter in (b"{", b"["):
                self._depth += 1
            elif letter in (b"}", b"]"):
                self._depth -= 1
            if self._depth <= 0 and not self._string and letter != b"\\":
                return self._scanned

    def _take(self, end: int) -> None:
        del self._held[:end]
        self._scanned = self._depth = 0
        self._string = False
