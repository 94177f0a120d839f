"""Raw values held against the types of objects.py: all that is wrong with them, and what nulls mean.

The thorough side of decoding: runs only on objects that msgspec refused, which names the first fault alone.
Rule: findings are values; nothing here raises.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.inspect import BoolType, DictType, IntType, NoneType, StrType, StructType, Type, UnionType, VarTupleType

from isthmus.kube.objects import Base
from isthmus.kube.refs import ROOT, FieldPath

_WORDS: dict[type[Type], str] = {
    StrType: "text",
    IntType: "a whole number",
    BoolType: "true or false",
    StructType: "a mapping",
    DictType: "a mapping",
    VarTupleType: "a list",
}
_PYTHON: dict[type[Type], type] = {
    StrType: str,
    IntType: int,
    BoolType: bool,
    StructType: dict,
    DictType: dict,
    VarTupleType: list,
}


class Fault(Struct, frozen=True, gc=False):
    """A value of the wrong type, or (with an empty `expected`) a required field that is missing."""

    path: FieldPath
    expected: str
    value: object = None


@functools.lru_cache(maxsize=64)
def shape_of(kind: type[Base]) -> Type:
    """What msgspec knows of a type."""
    return msgspec.inspect.type_info(kind)


def without_nulls(value: object, shape: Type) -> object:
    """The value as the API server takes nulls: a null field is an absent one, a null in a map of texts is empty."""
    match _members(shape), value:
        case [StructType() as struct], dict():
            shapes = {field.encode_name: field.type for field in struct.fields}
            kept = {key: each for key, each in value.items() if each is not None}
            return {key: without_nulls(each, shapes[key]) if key in shapes else each for key, each in kept.items()}
        case [DictType()], dict():
            return {key: "" if each is None else each for key, each in value.items()}
        case [VarTupleType(item_type=item)], list():
            return [without_nulls(each, item) for each in value]
    return value


def faults(value: object, shape: Type, path: FieldPath = ROOT) -> Iterator[Fault]:
    """Everything about a value that its type does not allow."""
    members = _members(shape)
    if not any(_is(value, member) for member in members):
        if value is not None or len(members) == len(_all(shape)):
            yield Fault(path, " or ".join(_WORDS[type(member)] for member in members), value)
        return
    match members[0], value:
        case StructType() as struct, dict():
            for field in struct.fields:
                if field.encode_name in value:
                    yield from faults(value[field.encode_name], field.type, path / field.encode_name)
                elif field.required:
                    yield Fault(path / field.encode_name, "")
        case DictType(value_type=inner), dict():
            for key, each in value.items():
                yield from faults(each, inner, path / key)
        case VarTupleType(item_type=inner), list():
            for index, each in enumerate(value):
                yield from faults(each, inner, path / index)


def _all(shape: Type) -> tuple[Type, ...]:
    return shape.types if isinstance(shape, UnionType) else (shape,)


def _members(shape: Type) -> list[Type]:
    return [member for member in _all(shape) if not isinstance(member, NoneType)]


def _is(value: object, shape: Type) -> bool:
    return isinstance(value, _PYTHON[type(shape)]) and (isinstance(shape, BoolType) or not isinstance(value, bool))
