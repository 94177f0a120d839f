"""The expression that keeps headers out takes every name but the listed ones."""

from __future__ import annotations

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from isthmus.xds.metadata_headers import all_but

LETTERS = string.ascii_lowercase + string.digits + "-"
NAMES = st.text(LETTERS, min_size=1, max_size=6)
LISTED = st.lists(st.builds(lambda name, star: name + star, NAMES, st.sampled_from(["", "*"])), min_size=1, max_size=8)


def listed(name: str, names: list[str]) -> bool:
    return any(name.startswith(each[:-1]) if each.endswith("*") else name == each for each in names)


@given(LISTED, st.lists(NAMES, min_size=1, max_size=20))
def test_only_listed_names_stay(names, others):
    pattern = re.compile(all_but(names))
    near = [each.rstrip("*") + tail for each in names for tail in ("", "a", "-x")]
    near += [each.rstrip("*")[:-1] for each in names if len(each.rstrip("*")) > 1]
    for name in (*others, *near):
        assert (pattern.fullmatch(name) is None) == listed(name, names), name
