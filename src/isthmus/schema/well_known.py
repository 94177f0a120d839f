"""The files that everybody has (google.protobuf, google.api, google.rpc), as our own good copies.

A server's copies may be old, changed or hostile, and all of them are about the same types, so ours always count. Rule:
a file is looked up in a list that is written down here; a name that a server sent never decides what is imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto

FOLDERS = ("google/protobuf/", "google/api/", "google/rpc/")
_PROTOBUF = (
    "any", "api", "compiler/plugin", "descriptor", "duration", "empty", "field_mask", "source_context", "struct",
    "timestamp", "type", "wrappers",
)  # fmt: skip
_API = (
    "annotations", "auth", "backend", "billing", "client", "config_change", "consumer", "context", "control",
    "distribution", "documentation", "endpoint", "error_reason", "field_behavior", "field_info", "http", "httpbody",
    "label", "launch_stage", "log", "logging", "metric", "monitored_resource", "monitoring", "policy", "quota",
    "resource", "routing", "service", "source_info", "system_parameter", "usage", "visibility",
)  # fmt: skip
_RPC = ("code", "error_details", "http", "status")
_NAMES = frozenset(
    f"{folder}{name}.proto"
    for folder, names in zip(FOLDERS, (_PROTOBUF, _API, _RPC), strict=True)
    for name in names
)  # fmt: skip


def provided(name: str) -> bool:
    """Whether there is a copy of the file."""
    return name in _NAMES


def content(name: str) -> FileDescriptorProto:
    """Our copy of a provided file."""
    return FileDescriptorProto.FromString(_descriptor(name).serialized_pb)


def closure(names: Iterable[str]) -> tuple[FileDescriptorProto, ...]:
    """Our copies of these provided files and of what they import, dependencies first, in one order for each set."""
    found: dict[str, FileDescriptorProto] = {}

    def add(file: FileDescriptor) -> None:
        if file.name not in found:
            for each in file.dependencies:
                add(each)
            found[file.name] = FileDescriptorProto.FromString(file.serialized_pb)

    for name in sorted(set(names)):
        add(_descriptor(name))
    return tuple(found.values())


def _descriptor(name: str) -> FileDescriptor:
    if name not in _NAMES:
        raise KeyError(name)
    module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor: FileDescriptor = module.DESCRIPTOR
    return descriptor
