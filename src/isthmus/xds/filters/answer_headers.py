"""Headers of answers, the gateway's own included; some only where the answer is no error (nginx without `always`).

Envoy's header mutation makes the values, whatever variables they hold. Those that errors must not have get a name of
their own first, and a constant script then gives them their right name or takes them away.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Sequence

from msgspec.structs import replace

from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.xds import api
from isthmus.xds.header_edits import mutations, removes

_HELD = "x-isthmus-unless-error-"
_NAMES = "x-isthmus-unless-error"  # how each is to be called, for the script


def answer_headers(edits: Sequence[HeaderEdit]) -> list[tuple[str, api.Any]]:
    """The filters, in the order of a chain: answers go through it from its end."""
    every: list[HeaderEdit] = []
    held: list[HeaderEdit] = []
    for edit in edits:
        if edit.always or removes(edit):
            every.append(edit)
        else:
            every.append(replace(edit, name=f"{_HELD}{len(held)}", edit=Edit.SET))
            held.append(edit)
    if not held:
        return [("answers", api.pack(mutations(every)))]
    named = " ".join(f"{edit.edit.value}:{edit.name}" for edit in held)
    every.append(HeaderEdit(_NAMES, (named,)))
    script = api.Lua(default_source_code={"inline_string": _script()})
    return [("unless-error", api.pack(script)), ("answers", api.pack(mutations(every)))]


@functools.cache
def _script() -> str:
    return importlib.resources.files(__package__).joinpath("answer_headers.lua").read_text()
