"""Asks protobuf's C++ runtime, which is Envoy's, what it makes of a descriptor set: it is stricter than Python's.

One file that it refuses would have Envoy refuse the whole host. The compiler of grpcio-tools holds that runtime; it
writes to standard error, so this is only for a process of its own. Rule: no name that a server sent gets near a
command line: the files are renamed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, FileOptions
from grpc_tools import _protoc_compiler

from isthmus.schema import well_known

_SAID = re.compile(r"f(\d+)\.proto: (?!warning: )(.*)")
_ROOT = "all.proto"


def refusals(descriptor_set: bytes) -> Mapping[bytes, str]:
    """The files that are refused, serialised as in the set, and why. Not for a process with threads."""
    given = FileDescriptorSet.FromString(descriptor_set)
    code, said = _compile(_renamed(given).SerializeToString())
    if code == 0:
        return {}
    found: dict[bytes, str] = {}
    for index, reason in _SAID.findall(said):
        if int(index) < len(given.file):
            found.setdefault(given.file[int(index)].SerializeToString(deterministic=True), reason)
    ours = (file for file in given.file if not well_known.provided(file.name))
    return found or {
        file.SerializeToString(deterministic=True): "protobuf's C++ runtime cannot read these files" for file in ours
    }


def _renamed(given: FileDescriptorSet) -> FileDescriptorSet:
    """The same files under names of ours, and one that imports all, so that each is looked at."""
    names = {
        file.name: file.name if well_known.provided(file.name) else f"f{index}.proto"
        for index, file in enumerate(given.file)
    }
    renamed = FileDescriptorSet()
    for file in given.file:
        copy = renamed.file.add()
        copy.CopyFrom(file)
        copy.name = names[file.name]
        copy.dependency[:] = [names[each] for each in file.dependency]
        copy.ClearField("source_code_info")
    everything = list(names.values())
    root = FileDescriptorProto(name=_ROOT, syntax="proto3", dependency=everything)
    root.public_dependency.extend(range(len(everything)))  # else it would be warned about each
    root.options.optimize_for = FileOptions.LITE_RUNTIME  # others may not import files that are for it
    renamed.file.append(root)
    return renamed


def _compile(descriptor_set: bytes) -> tuple[int, str]:
    """The compiler's exit code and what it says."""
    given, said, before = os.memfd_create("descriptors"), os.memfd_create("said"), os.dup(2)
    try:
        with open(given, "wb", closefd=False) as file:
            file.write(descriptor_set)
        os.dup2(said, 2)
        arguments = ["protoc", f"--descriptor_set_in=/proc/self/fd/{given}", "--descriptor_set_out=/dev/null", _ROOT]
        code: int = _protoc_compiler.run_main([each.encode() for each in arguments])
        with open(said, "rb", closefd=False) as file:
            file.seek(0)
            return code, file.read().decode("utf-8", "replace")
    finally:
        os.dup2(before, 2)
        for each in (given, said, before):
            os.close(each)
