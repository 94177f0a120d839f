"""Where YAML events come from: libyaml through PyYAML, or PyYAML's own parser where libyaml is not built in.

Knows nothing of Kubernetes. Rule: both parsers must give the same events; tests run them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import Event, ScalarEvent, StreamEndEvent
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner, ScannerError

try:
    from yaml._yaml import CParser
except ImportError:
    CParser = None  # type: ignore[assignment, misc]

NextEvent = Callable[[], Event]


class PureParser(Reader, Scanner, Parser):
    """PyYAML's own parser: the same events as libyaml, about fifteen times slower."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def get_event(self) -> Event:
        """The next event; halves of surrogate pairs are refused, as libyaml does."""
        event: Event = super().get_event()  # type: ignore[no-untyped-call]
        if isinstance(event, ScalarEvent) and any("\ud800" <= letter <= "\udfff" for letter in event.value):
            mark = cast(Mark, event.start_mark)
            raise ScannerError(None, None, "found invalid Unicode character escape code", mark)
        return event


def reader_of(text: str, pure: bool = False) -> NextEvent:
    """A function that gives the next event of a text with each call; raises YAMLError."""
    parser = PureParser(text) if pure or CParser is None else CParser(text)
    return cast(NextEvent, parser.get_event)


def events(text: str) -> Iterator[Event]:
    """All events of a text; raises YAMLError."""
    following = reader_of(text)
    while not isinstance(event := following(), StreamEndEvent):
        yield event


def place(event: Event) -> tuple[int, int]:
    """Line and column, from 0, where an event starts."""
    mark = event.start_mark
    return (mark.line, mark.column) if mark is not None else (0, 0)


def place_of(error: YAMLError, text: str) -> tuple[int, int]:
    """Line and column, from 0, where an error was noticed; perhaps after the end of the text."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return (mark.line, mark.column) if mark is not None else (0, 0)
    if isinstance(error, ReaderError):
        before = text[: text.find(chr(error.character))]
        return before.count("\n"), len(before) - (before.rfind("\n") + 1)
    return 0, 0


def reason_of(error: YAMLError) -> str:
    """What is wrong, in the parser's words, in one line."""
    if isinstance(error, MarkedYAMLError):
        return ", ".join(str(part) for part in (error.problem, error.context) if part)
    if isinstance(error, ReaderError):
        return f"the character U+{error.character:04X} is not allowed"
    return str(error)
