"""Changes of headers, on a route (cheap; requests, and answers of backends) or in a filter (every answer).

`always` edits of answers are made where answers of the gateway itself get them too.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.xds import api
from isthmus.xds.text import APPEND, IF_ABSENT, OVERWRITE, option

_ACTIONS = {Edit.SET: OVERWRITE, Edit.ADD: APPEND, Edit.DEFAULT: IF_ABSENT}


def edit_request(message: api.Route, edits: Sequence[HeaderEdit]) -> None:
    """Change what the backend sees."""
    for edit in edits:
        if removes(edit):
            message.request_headers_to_remove.append(edit.name)
        else:
            message.request_headers_to_add.append(option(edit.name, edit.value, _ACTIONS[edit.edit]))


def edit_answer(message: api.Route, edits: Sequence[HeaderEdit]) -> None:
    """Change what the client sees of the backend's answers."""
    for edit in edits:
        if removes(edit):
            message.response_headers_to_remove.append(edit.name)
        else:
            message.response_headers_to_add.append(option(edit.name, edit.value, _ACTIONS[edit.edit]))


def mutations(edits: Sequence[HeaderEdit]) -> api.HeaderMutation:
    """The filter that changes every answer, the gateway's own included."""
    message = api.HeaderMutation()
    for edit in edits:
        mutation = message.mutations.response_mutations.add()
        if removes(edit):
            mutation.remove = edit.name
        else:
            mutation.append.CopyFrom(option(edit.name, edit.value, _ACTIONS[edit.edit]))
    return message


def removes(edit: HeaderEdit) -> bool:
    """Whether the edit takes the header away."""
    return edit.edit is Edit.REMOVE or (edit.edit is Edit.SET and not edit.value)
