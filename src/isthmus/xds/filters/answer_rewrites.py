"""Parts of headers of answers are replaced: a constant script, to which the route's rewrites are data.

Envoy's own header mutations can neither see one of several Set-Cookie headers nor a part of one. Rule: nothing of a
manifest is ever code; the script compares plain text.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Sequence
from typing import Any

from isthmus.ir.policy import HeaderRewrite
from isthmus.ir.template import Template, Variable
from isthmus.xds import api

_Part = dict[str, Any]  # what becomes a google.protobuf.Struct


def answer_rewrites(rewrites: Sequence[HeaderRewrite]) -> api.Any:
    """The filter that makes these changes."""
    variables: list[Variable] = []
    headers: dict[str, list[_Part]] = {}
    for rewrite in rewrites:
        written: _Part = {
            "start": _parts(rewrite.start, variables),
            "replacement": _parts(rewrite.replacement, variables),
            "attribute": rewrite.attribute,
            "whole": rewrite.whole,
        }
        headers.setdefault(rewrite.name.lower(), []).append(written)
    message = api.Lua(default_source_code={"inline_string": _script()}, shared_vm_id="isthmus-answer-rewrites")
    message.filter_context.update(
        {
            "variables": [{"of": each.of.value, "name": each.name} for each in variables],
            "headers": [{"name": name, "rewrites": written} for name, written in headers.items()],
        }
    )
    return api.pack(message)


def _parts(template: Template, variables: list[Variable]) -> list[_Part]:
    """Text, or the number of a variable, counted from 1."""
    found: list[_Part] = []
    for part in template:
        if isinstance(part, str):
            found.append({"text": part})
            continue
        if part not in variables:
            variables.append(part)
        found.append({"variable": variables.index(part) + 1})
    return found


@functools.cache
def _script() -> str:
    return importlib.resources.files(__package__).joinpath("answer_rewrites.lua").read_text()
