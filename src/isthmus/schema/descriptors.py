"""What can be known of an assembled set of descriptors: a pool of it, its comments, and the part that a host needs.

Reads sets that `assembly` has made, which every runtime accepts. Rule: everything lives in private pools.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.schema.text import paragraph

File = descriptor_pb2.FileDescriptorProto

_ALWAYS = ("google/rpc/status.proto", "google/rpc/error_details.proto")


def load(descriptor_set: bytes) -> DescriptorPool:
    """A private pool of an assembled set."""
    pool = DescriptorPool()
    for file in files_of(descriptor_set).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def files_of(descriptor_set: bytes) -> descriptor_pb2.FileDescriptorSet:
    """The files as messages."""
    return descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)


def with_imports(descriptor_set: bytes, symbols: Iterable[str]) -> bytes:
    """The part of a set that these symbols need: their files and all that those import."""
    given, pool = files_of(descriptor_set), load(descriptor_set)
    pending = [_file_of(pool, name.lstrip(".").replace("/", ".")) for name in symbols]
    wanted: set[str] = set()
    while pending:
        file = pending.pop()
        if file.name not in wanted:
            wanted.add(file.name)
            pending += file.dependencies
    return descriptor_pb2.FileDescriptorSet(
        file=[each for each in given.file if each.name in wanted]
    ).SerializeToString()


def _file_of(pool: DescriptorPool, name: str) -> FileDescriptor:
    """Pools know no methods by their names; a method is where its service is."""
    try:
        return pool.FindFileContainingSymbol(name)
    except KeyError:
        return pool.FindFileContainingSymbol(name.rpartition(".")[0])


def comments(descriptor_set: bytes) -> Mapping[str, str]:
    """Full name -> leading comment of services, methods, messages, fields and enums, where the source is known."""
    found: dict[str, str] = {}
    for file in files_of(descriptor_set).file:
        if file.HasField("source_code_info"):
            names = dict(_paths(file))
            for location in file.source_code_info.location:
                text = location.leading_comments  # bytes where it is not UTF-8
                name = names.get(tuple(location.path))
                if name and isinstance(text, str) and text.strip():
                    found[name] = "\n".join(line.strip() for line in paragraph(text).strip().splitlines())
    return found


def trim(descriptor_set: bytes, services: Iterable[str]) -> bytes:
    """Only the files that these services need, without other services and without source text.

    All messages of those files stay: one that no field names may still come in a google.protobuf.Any or as the detail
    of an error, and cannot be printed if it is not there.
    """
    files = {file.name: file for file in files_of(descriptor_set).file}
    wanted = set(services)
    home = {name: file.name for file in files.values() for name in service_names(file)}
    pending = [home[name] for name in wanted if name in home]
    pending += [name for name in _ALWAYS if name in files]
    needed: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += files[name].dependency
    kept = [_slim(file, wanted) for file in files.values() if file.name in needed]
    return descriptor_pb2.FileDescriptorSet(file=kept).SerializeToString(deterministic=True)


def symbols_of(files: Iterable[bytes]) -> Iterator[str]:
    """The full names of services, methods, messages, and enums that are in no message."""
    for file in map(File.FromString, files):
        for name, service in zip(service_names(file), file.service, strict=True):
            yield name
            yield from (f"{name}.{method.name}" for method in service.method)
        start = f"{file.package}." if file.package else ""
        yield from (f"{start}{enum.name}" for enum in file.enum_type)
        pending = [(f"{start}{message.name}", message) for message in file.message_type]
        while pending:
            name, message = pending.pop()
            yield name
            pending += [(f"{name}.{each.name}", each) for each in message.nested_type if not each.options.map_entry]


def service_names(file: File) -> Iterator[str]:
    """The full names of a file's services."""
    for service in file.service:
        yield f"{file.package}.{service.name}" if file.package else service.name


def json_name(name: str) -> str:
    """protobuf's lowerCamelCase of a field's name."""
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)


def _message_names(file: File) -> Iterator[str]:
    start = f"{file.package}." if file.package else ""
    pending = [(f"{start}{message.name}", message) for message in file.message_type]
    while pending:
        name, message = pending.pop()
        yield name
        pending += [(f"{name}.{nested.name}", nested) for nested in message.nested_type]


def _slim(file: File, services: set[str]) -> File:
    kept = File()
    kept.CopyFrom(file)
    kept.ClearField("source_code_info")
    names = list(service_names(file))
    for index in reversed(range(len(names))):
        if names[index] not in services:
            del kept.service[index]
    return kept


def _paths(file: File) -> Iterator[tuple[tuple[int, ...], str]]:
    """Paths of source_code_info and the full names that they stand for."""
    package = f"{file.package}." if file.package else ""
    for index, service in enumerate(file.service):
        name = f"{package}{service.name}"
        yield (6, index), name
        for at, method in enumerate(service.method):
            yield (6, index, 2, at), f"{name}.{method.name}"
    for index, enum in enumerate(file.enum_type):
        yield from _enum_paths(enum, (5, index), package)
    for index, message in enumerate(file.message_type):
        yield from _message_paths(message, (4, index), package)


def _message_paths(
    message: descriptor_pb2.DescriptorProto, path: tuple[int, ...], package: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{package}{message.name}"
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, 2, index), f"{name}.{field.name}"
    for index, enum in enumerate(message.enum_type):
        yield from _enum_paths(enum, (*path, 4, index), f"{name}.")
    for index, nested in enumerate(message.nested_type):
        yield from _message_paths(nested, (*path, 3, index), f"{name}.")


def _enum_paths(
    enum: descriptor_pb2.EnumDescriptorProto, path: tuple[int, ...], package: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{package}{enum.name}"
    yield path, name
    for index, value in enumerate(enum.value):
        yield (*path, 2, index), f"{name}.{value.name}"
