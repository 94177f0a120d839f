"""What Isthmus has to say about an object: a code, where, and what to do.

A Diagnostic is data. The command line, JSON, SARIF, status conditions and metrics are renderings of the same
value. Problems are returned with the result; an exception means a bug of ours.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from msgspec import Struct

from isthmus.kube.refs import ROOT, FieldPath, ObjectRef, SourcePos


class Severity(enum.IntEnum):
    """How bad it is; ordered, so that `--fail-on` is a comparison."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The lower-case name, as users type it."""
        return self.name.lower()


class Effect(enum.Enum):
    """What becomes of the thing that the diagnostic is about."""

    KEEP = "keep"  # served as if the field were absent or at its default
    CLOSE = "close"  # the route answers 503: serving it would be less safe than asked
    DROP = "drop"  # the rule, document or object is not served at all
    UNREAD = "unread"  # the document is not read; what was served of it before, if anything, goes on being served
    LAST_GOOD = "last-good"  # the last version that worked goes on being served
    NONE = "none"  # nothing changes; it is advice


class Code(Struct, frozen=True, gc=False):
    """One kind of finding. `template` is filled with the diagnostic's args; `help` says what to do next.

    `why` is the paragraph that the code's page under docs/codes shows.
    """

    id: str
    severity: Severity
    template: str
    help: str
    why: str
    effect: Effect = Effect.NONE


class Diagnostic(Struct, frozen=True, gc=False):
    """A finding. `args` are (name, value) pairs for the code's templates; `pos` is known for manifests in files."""

    code: Code
    ref: ObjectRef
    path: FieldPath = ROOT
    args: tuple[tuple[str, str], ...] = ()
    pos: SourcePos | None = None

    @property
    def message(self) -> str:
        """What was found and what was expected, in one line."""
        return self.code.template.format_map(dict(self.args))

    @property
    def help(self) -> str:
        """What to do next, in one line."""
        return self.code.help.format_map(dict(self.args))

    @property
    def sort_key(self) -> tuple[int, ObjectRef, FieldPath, str, tuple[tuple[str, str], ...]]:
        """Worst first, then by object and field; different findings never have the same key but for their place."""
        return (
            -self.code.severity,
            self.ref,
            FieldPath(tuple(str(s) for s in self.path.steps)),
            self.code.id,
            self.args,
        )


def printable(value: object, limit: int = 120) -> str:
    """A value from a manifest, safe on one line of a terminal or a log: control characters escaped, length bounded."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


class Report:
    """Collects the diagnostics of one call; the only mutable thing that the pure layers hand around."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}

    def add(self, code: Code, ref: ObjectRef, path: FieldPath = ROOT, /, **args: object) -> None:
        """Record one finding; the same finding twice counts once."""
        pairs = tuple((name, printable(value)) for name, value in args.items())
        self._found[Diagnostic(code, ref, path, pairs)] = None

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Record findings that somebody else made."""
        for diagnostic in found:
            self._found[diagnostic] = None

    def all(self) -> tuple[Diagnostic, ...]:
        """Everything recorded, in the order it was found."""
        return tuple(self._found)
