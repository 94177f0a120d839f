"""Schemas of the example servers: the .proto files under examples/grpc, compiled when a server starts.

The text is the source of truth, because that is what users read; compiling takes about 10 ms. Every schema has a
descriptor pool of its own: the default pool belongs to the program that uses us.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_tools import protoc

from isthmus.edge.message_classes import classes_in
from isthmus.edge.proto_files import provided


class ProtoSource:
    """`files` are the descriptors with their comments, dependencies first; `pool` holds the same."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self.files = tuple(files)
        self.pool = DescriptorPool()
        for file in self.files:
            self.pool.AddSerializedFile(file.SerializeToString())
        self._classes = classes_in(self.pool, (file.name for file in self.files))  # servers have threads

    def message(self, name: str) -> Any:
        """The class of a message, by its full name. Raises KeyError."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))


def compile_example(name: str) -> tuple[FileDescriptorProto, ...]:
    """A file of examples/grpc with all that it imports. Raises OSError where it is missing or wrong."""
    folder = examples()
    with tempfile.TemporaryDirectory(prefix="isthmus-proto-") as scratch:
        out = Path(scratch, "set")
        paths = [f"-I{path}" for path in (folder, *provided())]
        flags = ["--include_imports", "--include_source_info", f"--descriptor_set_out={out}"]
        if protoc.main(["protoc", *paths, *flags, name]) != 0:  # it has said why on standard error
            raise OSError(f"{folder / name} does not compile")
        return tuple(FileDescriptorSet.FromString(out.read_bytes()).file)


def examples() -> Path:
    """The folder of the .proto files: in the installed package, or in the source tree. Raises OSError."""
    package = Path(__file__).parents[2]
    for folder in (package / "examples" / "grpc", package.parents[1] / "examples" / "grpc"):
        if folder.is_dir():
            return folder
    raise OSError(f"the example schemas are missing; expected in {package / 'examples'}: install isthmus again")
