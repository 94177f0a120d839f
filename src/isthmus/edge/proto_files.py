"""Descriptors from files: FileDescriptorSets as protoc writes them, and .proto sources, which protoc compiles.

protoc is grpcio-tools', run as a process of its own with a time limit; google.api and the well-known types are found
without an import path.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

_SECONDS = 60


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
            raise ProtoError(
                f"{path} is no FileDescriptorSet; make one with protoc --include_imports --descriptor_set_out={path}"
            ) from None
        if not files.file:
            raise ProtoError(f"{path} holds no files")
        found += [file.SerializeToString() for file in files.file]
    return tuple(found)


def compile_protos(files: Sequence[str], import_paths: Sequence[str] = ()) -> tuple[bytes, ...]:
    """The descriptors of .proto files and of what they import, comments included. Raises ProtoError."""
    paths = list(import_paths) or sorted({os.path.dirname(os.path.abspath(file)) for file in files})
    missing = [file for file in files if not _found(file, paths)]
    if missing:
        looked = ", ".join(paths)
        raise ProtoError(f"{missing[0]}: no such file, neither here nor below {looked}; give its folder with -I")
    with tempfile.TemporaryDirectory(prefix="isthmus-proto-") as folder:
        out = os.path.join(folder, "set")
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_out={out}", "--include_imports"]
        command += ["--include_source_info", *(f"-I{path}" for path in (*paths, *_provided()))]
        try:
            ran = subprocess.run([*command, *files], capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ProtoError(f"protoc took longer than {_SECONDS} s") from None
        if ran.returncode:
            raise ProtoError(_explained(ran.stderr))
        return read_protoset([out])


def _found(file: str, paths: Sequence[str]) -> bool:
    return os.path.isfile(file) or any(os.path.isfile(os.path.join(path, file)) for path in paths)


def _provided() -> list[str]:
    """Where google/api and google/protobuf are."""
    found = []
    for module, inside in (("grpc_tools", "_proto"), ("google.api", "../..")):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations:
            found.append(os.path.normpath(os.path.join(next(iter(spec.submodule_search_locations)), inside)))
    return found


def _explained(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and "RuntimeWarning" not in line]
    if any("File not found" in line for line in lines):
        lines.append("give the folder that holds the missing file with -I")
    return "\n".join(lines)
