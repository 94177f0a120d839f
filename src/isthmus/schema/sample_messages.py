"""Sample messages in JSON, ready to be sent: for the first try of a method, and for examples in its description.

`typical` is short and does no harm, `all` has every field (one of each oneof). Rule: whatever the schema is like, a
sample is finite, small, and parses as its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from isthmus.schema import httprule, json_kinds, sample_values
from isthmus.schema.json_schema import traits
from isthmus.schema.model import Method
from isthmus.schema.request_fields import FieldPath, RequestFields, is_http_body, path_field

Fill = Literal["typical", "all"]


class _Size(NamedTuple):
    """Limits of a sample: fields of one message, messages inside messages, and values in all."""

    fields: int
    depth: int
    values: int


_SIZES: dict[str, _Size] = {"typical": _Size(6, 2, 40), "all": _Size(10_000, 8, 1_000)}


class RequestSample(NamedTuple):
    """A request for one HTTP rule. `query` are names and texts. `body` is JSON; None for none, or for raw bytes."""

    query: tuple[tuple[str, str], ...]
    body: object


def method_sample(method: Method, message: Descriptor) -> object:
    """A request message of a method: where its HTTP rules say what a name looks like, it looks so."""
    maker = _Maker("typical")
    return maker.named(maker.message(message, ()), message, _names(method))


def sample(descriptor: Descriptor, *, fill: Fill = "typical") -> object:
    """A message as JSON has it, with JSON's names of fields: mostly a dict."""
    return _Maker(fill).message(descriptor, ())


def request_sample(
    fields: RequestFields, method: Method, message: Descriptor, *, preserve_names: bool = False
) -> RequestSample:
    """A typical request for a rule: what the path fills is neither in the query nor in the body."""
    maker = _Maker("typical", preserve_names)
    names = _names(method)
    whole = maker.named(maker.message(message, ()), message, names)
    if fields.whole:
        body = None if is_http_body(message) else maker.without(whole, message, fields.not_in_body)
        return RequestSample((), body)
    body = None
    if fields.body is not None and not (is_http_body(fields.body.message_type) and not fields.body.is_repeated):
        inner: Descriptor | None = fields.body.message_type
        body = maker.field(fields.body, ())
        if inner is not None and not fields.body.is_repeated:
            body = maker.without(body, inner, fields.not_in_body)
    # What another rule has in its path is another way to say what this one's path says.
    query = [leaf for leaf in fields.query if tuple(each.name for each in leaf.fields) not in names]
    pairs = [pair for leaf in query for pair in maker.texts(whole, leaf.fields) if pair[1] != "false"]
    return RequestSample(tuple(pairs), body)


def as_text(value: object) -> str:
    """A JSON value that is no object or array, as a path or a query has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def filled(segments: Iterable[str]) -> Iterator[str]:
    """Segments of a template, the wild ones with something in their place."""
    for segment in segments:
        yield {httprule.ONE: "1", httprule.REST: "a/b"}.get(segment, segment)


class _Maker:
    """Makes one sample; counts what it makes."""

    def __init__(self, fill: Fill, preserve_names: bool = False) -> None:
        self._preserve_names = preserve_names
        self._typical = fill == "typical"
        self._size = _SIZES[fill]
        self._left = self._size.values

    def message(self, descriptor: Descriptor, around: Sequence[str]) -> object:
        """`around` are the messages that this one is in."""
        known = sample_values.well_known(descriptor, self._typical)
        if known is not None:
            return known
        made: dict[str, object] = {}
        for field in self._chosen(descriptor, (*around, descriptor.full_name)):
            if self._left <= 0:
                break
            self._left -= 1
            made[self._name(field)] = self.field(field, (*around, descriptor.full_name))
        return made

    def field(self, field: FieldDescriptor, around: Sequence[str]) -> object:
        """A field's value: one element, if it is repeated; one entry, if it is a map."""
        if json_kinds.is_map(field) and field.message_type is not None:
            parts = field.message_type.fields_by_name
            if not self._possible(parts["value"], around):
                return {}
            return {sample_values.map_key(parts["key"]): self._one(parts["value"], around)}
        if field.is_repeated:
            return [self._one(field, around)] if self._possible(field, around) else []
        return self._one(field, around)

    def named(self, value: object, message: Descriptor, names: Mapping[FieldPath, str]) -> object:
        """A sample with these texts at these paths, where it has something there."""
        if not isinstance(value, dict):
            return value
        made = dict(value)
        for path, text in names.items():
            found = path_field(message, path)
            name = self._name(found[0]) if found else ""
            if not found or name not in made:
                continue
            if len(found) == 1 and text and found[0].type == FieldDescriptor.TYPE_STRING:
                made[name] = text
            elif len(found) > 1 and found[0].message_type is not None:
                made[name] = self.named(made[name], found[0].message_type, {path[1:]: text})
        return made

    def without(self, value: object, message: Descriptor, paths: Sequence[FieldPath]) -> object:
        """A sample without the fields at these paths."""
        if not isinstance(value, dict):
            return value
        left = dict(value)
        for path in paths:
            found = path_field(message, path)
            name = self._name(found[0]) if found else ""
            if len(found) == 1:
                left.pop(name, None)
            elif found and found[0].message_type is not None and name in left:
                left[name] = self.without(left[name], found[0].message_type, (path[1:],))
        return left

    def texts(self, value: object, fields: Sequence[FieldDescriptor]) -> Iterator[tuple[str, str]]:
        """The query parameters that say what a sample has at a leaf."""
        for field in fields:
            if not isinstance(value, dict) or self._name(field) not in value:
                return
            value = value[self._name(field)]
        name = ".".join(self._name(field) for field in fields)
        for each in value if isinstance(value, list) else [value]:
            yield name, as_text(each)

    def _name(self, field: FieldDescriptor) -> str:
        return field.name if self._preserve_names else field.json_name

    def _one(self, field: FieldDescriptor, around: Sequence[str]) -> object:
        if field.message_type is not None:
            return self.message(field.message_type, around)
        return sample_values.scalar(field, self._typical)

    def _chosen(self, descriptor: Descriptor, around: Sequence[str]) -> Iterator[FieldDescriptor]:
        """The fields to fill. What proto2 requires first: it must be there, whatever there is room for."""
        fields = sorted(descriptor.fields, key=lambda field: (not field.is_required, field.index))
        chosen: set[str] = set()
        room = self._size.fields
        for field in fields:
            oneof = field.containing_oneof
            must = field.is_required or traits(field).required
            if (oneof is not None and oneof.name in chosen) or not self._possible(field, around):
                continue
            if not must and (room <= 0 or self._unwanted(field, around)):
                continue
            if oneof is not None:
                chosen.add(oneof.name)
            room -= 1
            yield field

    def _possible(self, field: FieldDescriptor, around: Sequence[str]) -> bool:
        """Whether there is an end to filling a field, and a value that JSON has for it everywhere."""
        if field.enum_type is not None:
            return field.enum_type.full_name != json_kinds.NULL_VALUE
        return field.message_type is None or field.message_type.full_name not in around

    def _unwanted(self, field: FieldDescriptor, around: Sequence[str]) -> bool:
        inner: Descriptor | None = field.message_type
        if inner is not None and sample_values.well_known(inner, True) is None and len(around) >= self._size.depth:
            return True
        if not self._typical:
            return False
        about = traits(field)
        any_type = inner is not None and inner.full_name == "google.protobuf.Any"
        return about.deprecated or about.output_only or any_type or sample_values.left_out(field)


def _names(method: Method) -> dict[FieldPath, str]:
    """The fields that are in some path of a method; with a text of the right form, if it is longer than a segment."""
    found: dict[FieldPath, str] = {}
    for binding in method.bindings:
        for variable in httprule.parse(binding.template).variables:
            text = "" if variable.single else "/".join(filled(variable.segments))
            found[variable.field_path] = found.get(variable.field_path) or text
    return found
