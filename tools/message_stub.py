"""Writes the stub of isthmus.xds.api: a typed class for every message, so that mypy finds a misspelt field.

Knows descriptors and the rules of protobuf's Python classes (fields of messages and lists are not assigned,
constructors take messages or mappings, enums go by number or by name), and nothing of Envoy. Messages outside
MESSAGES appear under a name with a leading underscore: they exist for types only, api does not offer them.
Every name of Python's own is written through `_b`: a field may be called `type` or `bytes`.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

_HEAD = '''"""Made by tools/envoy_messages.py from the installed Envoy. Do not edit: run make venv."""

import builtins as _b
import datetime as _dt
import typing as _t
from collections.abc import Iterable as _Iterable, Iterator as _Iterator, Mapping as _Mapping

from google.protobuf.internal import well_known_types as _known
from google.protobuf.message import Message as _Message

MESSAGES: dict[str, str]
DESCRIPTORS: str
ENVOY_VERSION: str

_K = _t.TypeVar("_K")
_V = _t.TypeVar("_V")
_M = _t.TypeVar("_M", bound=_Message)

def pack(message: _Message) -> Any: ...
def message(type_url: str, body: bytes) -> _Message: ...
def to_dict(value: _Message) -> dict[str, _t.Any]: ...
def stale(installed: str | None = ...) -> str | None: ...

class _Sequence(_t.Sequence[_V]):
    """What every repeated field offers."""
    @_t.overload
    def __getitem__(self, index: int) -> _V: ...
    @_t.overload
    def __getitem__(self, index: slice) -> list[_V]: ...
    def __delitem__(self, index: int | slice) -> None: ...
    def __iter__(self) -> _Iterator[_V]: ...
    def __reversed__(self) -> _Iterator[_V]: ...
    def __contains__(self, value: object) -> bool: ...
    def __len__(self) -> int: ...
    def append(self, value: _V) -> None: ...
    def insert(self, index: int, value: _V) -> None: ...
    def extend(self, values: _Iterable[_V]) -> None: ...
    def remove(self, value: _V) -> None: ...
    def pop(self, index: int = ...) -> _V: ...
    def clear(self) -> None: ...
    def sort(self, *, key: _t.Callable[[_V], _t.Any] | None = ..., reverse: bool = ...) -> None: ...
    def reverse(self) -> None: ...
    def MergeFrom(self, other: _Iterable[_V]) -> None: ...

class _Scalars(_Sequence[_V]):
    @_t.overload
    def __setitem__(self, index: int, value: _V) -> None: ...
    @_t.overload
    def __setitem__(self, index: slice, value: _Iterable[_V]) -> None: ...

class _Messages(_Sequence[_M]):
    @property
    def add(self) -> type[_M]:
        """`add(field=...)` takes what the constructor takes, appends the message and returns it."""

class _Map(_Mapping[_K, _V]):
    """What every map field offers; reading an absent key of a map of messages makes it."""
    def __getitem__(self, key: _K) -> _V: ...
    def __delitem__(self, key: _K) -> None: ...
    def __iter__(self) -> _Iterator[_K]: ...
    def __len__(self) -> int: ...
    def pop(self, key: _K) -> _V: ...
    def clear(self) -> None: ...
    def MergeFrom(self, other: _t.Self) -> None: ...

class _ScalarMap(_Map[_K, _V]):
    def __setitem__(self, key: _K, value: _V) -> None: ...
    def update(self, other: _Mapping[_K, _V]) -> None: ...

class _MessageMap(_Map[_K, _M]):
    def get_or_create(self, key: _K) -> _M: ...

class _Enum:
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> int: ...
    @classmethod
    def keys(cls) -> list[str]: ...
    @classmethod
    def values(cls) -> list[int]: ...
    @classmethod
    def items(cls) -> list[tuple[str, int]]: ...
'''
_SCALARS = {
    FieldDescriptorProto.TYPE_DOUBLE: "_b.float",
    FieldDescriptorProto.TYPE_FLOAT: "_b.float",
    FieldDescriptorProto.TYPE_BOOL: "_b.bool",
    FieldDescriptorProto.TYPE_STRING: "_b.str",
    FieldDescriptorProto.TYPE_BYTES: "_b.bytes",
}
# The runtime gives these classes more methods, and lets their fields be given as Python's own values.
_KNOWN = ("Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp")
_GIVEN = {
    "google.protobuf.Duration": " | _dt.timedelta",
    "google.protobuf.Timestamp": " | _dt.datetime",
}


class Stub:
    """The lines of the stub for the messages of some files."""

    def __init__(self, files: Sequence[FileDescriptorProto], messages: Mapping[str, str]) -> None:
        self._files = files
        self._short = {name: short for short, name in messages.items()}
        self._messages = messages
        self._types: dict[str, DescriptorProto] = {}
        self._enums: dict[str, EnumDescriptorProto] = {}
        self._inner: set[str] = set()
        for file in files:
            for enum in file.enum_type:
                self._enums[f"{file.package}.{enum.name}"] = enum
            for message in file.message_type:
                self._register(f"{file.package}.{message.name}", message)
        self._paths = self._name_all()

    def _register(self, name: str, message: DescriptorProto) -> None:
        self._types[name] = message
        for enum in message.enum_type:
            self._enums[f"{name}.{enum.name}"] = enum
            self._inner.update((enum.name, *(value.name for value in enum.value)))
        for nested in message.nested_type:
            self._inner.add(nested.name)
            self._register(f"{name}.{nested.name}", nested)

    def _name_all(self) -> dict[str, str]:
        """How each message is written, by full name: Short, _package_v3_Name, or Outer.Nested."""
        paths: dict[str, str] = {}
        taken: set[str] = set()
        for file in self._files:
            for message in file.message_type:
                full = f"{file.package}.{message.name}"
                path = self._short.get(full) or "_" + "_".join(full.split(".")[-3:])
                if path in taken:
                    path = "_" + full.replace(".", "_")
                taken.add(path)
                paths[full] = path
        for full in self._types:
            outer, _, name = full.rpartition(".")
            if full not in paths:
                paths[full] = f"{paths[outer]}.{name}"
        return paths

    def lines(self) -> Iterator[str]:
        """The whole stub."""
        yield _HEAD
        for full, enum in self._enums.items():
            names = ", ".join(f'"{value.name}"' for value in enum.value)
            yield f"{_enum_alias(full)}: _t.TypeAlias = _b.int | _t.Literal[{names}]"
        for file in self._files:
            for message in file.message_type:
                yield from self._class(f"{file.package}.{message.name}", message)
        for short, full in self._messages.items():
            if self._paths[full] != short:
                yield f"{short} = {self._paths[full]}"
            if short in self._inner:
                yield f"_{short} = {short}"

    def _class(self, full: str, message: DescriptorProto) -> Iterator[str]:
        bases = "_Message"
        if full.rpartition(".")[0] == "google.protobuf" and message.name in _KNOWN:
            bases += f", _known.{message.name}"
        yield f"class {self._paths[full].rpartition('.')[2]}({bases}):"
        yield from (f"    {line}" for line in self._body(full, message))

    def _body(self, full: str, message: DescriptorProto) -> Iterator[str]:
        for enum in message.enum_type:
            constants = [f"{v.name}: _t.Final = {v.number}" for v in enum.value if _usable(v.name)]
            yield f"class {enum.name}(_Enum):"
            yield from (f"    {line}" for line in constants)
            yield from constants
        for nested in message.nested_type:
            if not nested.options.map_entry:
                yield from self._class(f"{full}.{nested.name}", nested)
        fields = [field for field in message.field if _usable(field.name)]
        for field in fields:
            attribute = self._attribute(field)
            if _repeated(field) or field.type == FieldDescriptorProto.TYPE_MESSAGE:
                yield "@_b.property"
                yield f"def {field.name}(self) -> {attribute}: ..."
            else:
                yield f"{field.name}: {attribute}"
        given = ", ".join(f"{field.name}: {self._argument(field)} | None = ..." for field in fields)
        yield f"def __init__(this{', *, ' if given else ''}{given}) -> None: ..."
        yield from _by_name(message)

    def _attribute(self, field: FieldDescriptorProto) -> str:
        entry = self._map_entry(field)
        if entry is not None:
            key, value = entry.field
            kind = "_MessageMap" if value.type == FieldDescriptorProto.TYPE_MESSAGE else "_ScalarMap"
            return f"{kind}[{self._attribute(key)}, {self._attribute(value)}]"
        if field.type == FieldDescriptorProto.TYPE_MESSAGE:
            path = self._reference(field)
            return f"_Messages[{path}]" if _repeated(field) else path
        scalar = _SCALARS.get(field.type, "_b.int")
        return f"_Scalars[{scalar}]" if _repeated(field) else scalar

    def _argument(self, field: FieldDescriptorProto) -> str:
        entry = self._map_entry(field)
        if entry is not None:
            key, value = entry.field
            return f"_Mapping[{self._argument(key)}, {self._argument(value)}]"
        if field.type == FieldDescriptorProto.TYPE_MESSAGE:
            extra = _GIVEN.get(field.type_name.removeprefix("."), "")
            one = f"{self._reference(field)} | _Mapping[_b.str, _b.object]{extra}"
        elif field.type == FieldDescriptorProto.TYPE_ENUM:
            one = _enum_alias(field.type_name.removeprefix("."))
        else:
            one = _SCALARS.get(field.type, "_b.int")
        return f"_Iterable[{one}]" if _repeated(field) else one

    def _map_entry(self, field: FieldDescriptorProto) -> DescriptorProto | None:
        found = self._types.get(field.type_name.removeprefix("."))
        return found if found is not None and found.options.map_entry else None

    def _reference(self, field: FieldDescriptorProto) -> str:
        """A nested class of the same name would hide a short name, so that it goes by its alias."""
        path = self._paths[field.type_name.removeprefix(".")]
        return f"_{path}" if path.partition(".")[0] in self._inner else path


def _by_name(message: DescriptorProto) -> Iterator[str]:
    """HasField, ClearField and WhichOneof, which take names: only those that the message has."""
    groups: dict[str, list[str]] = {}
    has: list[str] = []
    for field in message.field:
        if field.HasField("oneof_index") and not field.proto3_optional:
            groups.setdefault(message.oneof_decl[field.oneof_index].name, []).append(field.name)
        if not _repeated(field) and (field.HasField("oneof_index") or field.type == FieldDescriptorProto.TYPE_MESSAGE):
            has.append(field.name)
    yield f"def HasField(self, field_name: {_literal((*has, *groups))}) -> _b.bool: ..."
    yield f"def ClearField(self, field_name: {_literal((*(f.name for f in message.field), *groups))}) -> None: ..."
    for group, names in groups.items():
        if len(groups) > 1:
            yield "@_t.overload"
        yield f"def WhichOneof(self, oneof_group: {_literal([group])}) -> {_literal(names)} | None: ..."
    if not groups:
        yield "def WhichOneof(self, oneof_group: _t.Never) -> None: ..."


def _literal(names: Iterable[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"_t.Literal[{quoted}]" if quoted else "_t.Never"


def _repeated(field: FieldDescriptorProto) -> bool:
    return field.label == FieldDescriptorProto.LABEL_REPEATED


def _usable(name: str) -> bool:
    return not keyword.iskeyword(name)


def _enum_alias(full: str) -> str:
    return "_" + full.replace(".", "_")
