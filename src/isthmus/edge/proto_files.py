"""Descriptors from files: FileDescriptorSets as protoc writes them, and .proto sources, which protoc compiles.

protoc is grpcio-tools', run as a process of its own with a time limit; google.api and the well-known types are found
without an import path. Rule: a problem is a ProtoError that says which file and what to do, never a traceback.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

_SECONDS = 60
_OUTSIDE = re.compile(r"^(.*): File does not reside within any path .*")
_NOT_FOUND = re.compile(r"^(\S+): File not found\.$", re.MULTILINE)
_NOISE = re.compile(r".*RuntimeWarning|WARNING: All log messages before absl|[IWEF]\d{4} \d\d:\d\d:")
_MOST_LINES = 20


class ProtoError(Exception):
    """Files that cannot be used; the message has a line for each problem."""


def read_protoset(paths: Sequence[str]) -> tuple[bytes, ...]:
    """The files in FileDescriptorSets. Raises ProtoError."""
    found: list[bytes] = []
    for path in paths:
        try:
            files = FileDescriptorSet.FromString(Path(path).read_bytes())
        except OSError as error:
            raise ProtoError(f"{path}: {error.strerror}") from None
        except DecodeError:
            make = "make one with protoc --include_imports --descriptor_set_out=api.binpb"
            if path.endswith(".proto"):
                make = f"{make}, or give the source with --proto"
            raise ProtoError(f"{path} is no FileDescriptorSet; {make}") from None
        if not files.file:
            raise ProtoError(f"{path} holds no files")
        found += [file.SerializeToString() for file in files.file]
    return tuple(found)


def compile_protos(files: Sequence[str], import_paths: Sequence[str] = ()) -> tuple[bytes, ...]:
    """The descriptors of .proto files and of what they import, comments included. Raises ProtoError."""
    paths = [os.path.abspath(path) for path in import_paths]
    paths = paths or sorted({os.path.dirname(os.path.abspath(file)) for file in files})
    files = [_placed(file, paths) for file in files]
    strange = [name for name in (*files, *paths) if name.startswith(("-", "@")) or ":" in name]
    if strange:
        raise ProtoError(f"{strange[0]}: protoc takes no names that begin with - or @, or that have a colon")
    compiled = [file for file in files if _is_compiled(file)]
    if compiled:
        raise ProtoError(f"{compiled[0]} is no .proto source; give a compiled FileDescriptorSet with --protoset")
    missing = [file for file in files if not _found(file, paths)]
    if missing:
        looked = ", ".join(paths)
        raise ProtoError(f"{missing[0]}: no such file, neither here nor below {looked}; give its folder with -I")
    with tempfile.TemporaryDirectory(prefix="isthmus-proto-") as folder:
        out = os.path.join(folder, "set")
        command = [sys.executable, "-P", "-m", "grpc_tools.protoc", f"--descriptor_set_out={out}", "--include_imports"]
        command += ["--include_source_info", *(f"-I{path}" for path in (*paths, *provided()))]
        try:
            ran = subprocess.run([*command, *files], capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ProtoError(f"protoc took longer than {_SECONDS} s") from None
        if ran.returncode:
            raise ProtoError(_explained(ran.stderr, [*files, *paths]))
        return read_protoset([out])


def _placed(file: str, paths: Sequence[str]) -> str:
    """The path of a file below an import path; protoc compares the two as texts, and knows no folder to start from."""
    whole = Path(os.path.abspath(file))
    return str(whole) if whole.is_file() and any(whole.is_relative_to(path) for path in paths) else file


def _found(file: str, paths: Sequence[str]) -> bool:
    return os.path.isfile(file) or any(os.path.isfile(os.path.join(path, file)) for path in paths)


def _is_compiled(file: str) -> bool:
    """Sources are text; protoc would find thousands of mistakes in anything else."""
    try:
        return b"\0" in Path(file).read_bytes()
    except OSError:
        return False  # looked for elsewhere, or told later


def provided() -> list[str]:
    """The folders of google/api and google/protobuf."""
    found = []
    for module, inside in (("grpc_tools", "_proto"), ("google.api", "../..")):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations:
            found.append(os.path.normpath(os.path.join(next(iter(spec.submodule_search_locations)), inside)))
    return found


def _explained(said: str, places: Sequence[str]) -> str:
    lines = [
        _OUTSIDE.sub(r"\1: it is below none of the folders given with -I; give one that it is below", line)
        for line in said.splitlines()
        if line.strip() and not _NOISE.match(line)
    ]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"and {len(lines) - _MOST_LINES} more"]
    for name in dict.fromkeys(_NOT_FOUND.findall(said)):
        folder = _folder_of(name, places)
        lines.append(f"give the folder that holds {name} with -I" + (f": -I {folder}" if folder else ""))
    return "\n".join(lines) or "protoc failed and did not say why"


def _folder_of(name: str, places: Sequence[str]) -> str:
    """The folder above one of these places below which a file is; empty where there is none."""
    for place in places:
        for folder in Path(place).absolute().parents:
            if (folder / name).is_file():
                return str(folder)
    return ""
