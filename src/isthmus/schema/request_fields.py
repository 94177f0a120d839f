"""Where the fields of a request come from, as one HTTP rule says: the path, the query or the body.

For describing requests, not for reading them; `query` reads. Rule: what is listed here is what `query` takes, except
that recursion and very wide messages are cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from isthmus.schema import httprule, json_kinds
from isthmus.schema.httprule import Template
from isthmus.schema.model import Binding
from isthmus.schema.rules import field_at

FieldPath = tuple[str, ...]
_DEEPEST = 6  # messages inside messages in the names of query parameters
_MOST_LEAVES = 200
_MOST_STEPS = 4_000


class Leaf(NamedTuple):
    """A query parameter: the fields that lead to it, itself last."""

    fields: tuple[FieldDescriptor, ...]


class RequestFields(NamedTuple):
    """Of one rule: the template, the query's leaves, and the message of the body.

    `body` is the field that the body fills; None with `whole` for the whole message, None without it for no body.
    `path` are the fields that the path fills. `cut` says that there are more query parameters than `query` lists.
    """

    template: Template
    path: tuple[FieldPath, ...]
    query: tuple[Leaf, ...]
    cut: bool
    whole: bool
    body: FieldDescriptor | None

    @property
    def has_body(self) -> bool:
        """Whether the rule takes a body at all."""
        return self.whole or self.body is not None

    @property
    def not_in_body(self) -> tuple[FieldPath, ...]:
        """The path's fields that the body would have too, seen from the body's message."""
        if self.whole:
            return self.path
        if self.body is None:
            return ()
        return tuple(path[1:] for path in self.path if path[0] == self.body.name and len(path) > 1)


def request_fields(binding: Binding, message: Descriptor) -> RequestFields:
    """The fields of a rule that is right (`rules.wrong`)."""
    template = httprule.parse(binding.template)
    path = tuple(variable.field_path for variable in template.variables)
    whole = binding.body == "*"
    body = message.fields_by_name.get(binding.body) if binding.body and not whole else None
    taken = frozenset(path) if body is None else frozenset((*path, (body.name,)))
    steps = [] if whole else list(islice(_walk(message, (), taken), _MOST_STEPS))
    leaves = [step for step in steps if step is not None]
    cut = len(steps) == _MOST_STEPS or len(leaves) > _MOST_LEAVES
    return RequestFields(template, path, tuple(leaves[:_MOST_LEAVES]), cut, whole, body)


def path_field(message: Descriptor, path: FieldPath) -> tuple[FieldDescriptor, ...]:
    """The fields on a path, from the outside; empty if there are none such."""
    fields = [field_at(message, path[: end + 1]) for end in range(len(path))]
    return tuple(field for field in fields if field is not None) if all(fields) else ()


def is_http_body(message: Descriptor | None) -> bool:
    """Whether a message stands for a body of any type."""
    return message is not None and message.full_name == json_kinds.HTTP_BODY


def _walk(
    message: Descriptor, above: tuple[FieldDescriptor, ...], taken: frozenset[FieldPath]
) -> Iterator[Leaf | None]:
    """The leaves below a message; None for each message that is entered, so that the walk as a whole can be bounded."""
    yield None
    for field in message.fields:
        fields = (*above, field)
        inner: Descriptor | None = field.message_type
        if tuple(each.name for each in fields) in taken:
            continue
        if json_kinds.has_text(field):
            yield Leaf(fields)
        elif inner is not None and _enterable(inner, fields):
            yield from _walk(inner, fields, taken)


def _enterable(inner: Descriptor, fields: tuple[FieldDescriptor, ...]) -> bool:
    """Whether a query can name fields inside of the last field."""
    around = {each.containing_type.full_name for each in fields if each.containing_type is not None}
    return (
        not fields[-1].is_repeated
        and json_kinds.well_known(inner) is None
        and inner.full_name not in around
        and len(fields) < _DEEPEST
    )
