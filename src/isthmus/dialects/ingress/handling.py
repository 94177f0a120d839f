"""How honest Isthmus is about an annotation: each one that it knows says what becomes of it.

The documentation's tables, `isthmus migrate` and the findings are all made from these records.
"""

from __future__ import annotations

import enum
import re

from msgspec import Struct


class Handling(enum.Enum):
    """From best to worst."""

    EXACT = "exact"  # as in the controller that it comes from
    HELPER = "helper"  # as there, by the authorization helper
    DIFFERS = "differs"  # works, with a difference that the note states
    NO_EFFECT = "no effect"  # changes nothing here, and need not; the note says why
    REFUSED = "refused"  # cannot be had; where that would open or misroute something, the path is closed


# Values that a difference meets.
TRUE = "1|t|true"
NO_VALUE = "(?!)"  # the default alone


class Annotation(Struct, frozen=True, gc=False):
    """One annotation. `takes` is its grammar and `default` its default, in words.

    `note` says what differs, why it has no effect, or why it is refused and what to write instead; exact ones may do
    without. With `restricts` a value that cannot be used closes the path. `setting` is the key of the controller's
    ConfigMap that changes the default. `met_by` matches the whole of the values, in any case, that a difference meets;
    empty: it meets every value.
    """

    key: str
    takes: str
    default: str = ""
    handling: Handling = Handling.EXACT
    note: str = ""
    restricts: bool = False
    setting: str = ""
    met_by: str = ""

    def meets(self, value: str) -> bool:
        """Whether what the note says is about this value."""
        return not self.met_by or re.fullmatch(self.met_by, value.strip(), re.IGNORECASE | re.DOTALL) is not None

    @property
    def name(self) -> str:
        """The key without its prefix."""
        return self.key.partition("/")[2]
