"""From raw descriptors, possibly hostile, to a closed and ordered set that any protobuf runtime accepts.

What cannot be used is left out and named, and takes only its dependants with it. The well-known files (google.protobuf,
google.api, google.rpc) are always our own good copies. Rule: nothing here raises for bad input, and everything lives in
private pools.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from google.api import annotations_pb2, client_pb2, field_behavior_pb2, http_pb2, httpbody_pb2, resource_pb2
from google.protobuf import (
    any_pb2,
    api_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    source_context_pb2,
    struct_pb2,
    timestamp_pb2,
    type_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from msgspec import Struct

from isthmus.schema.model import Problem

File = descriptor_pb2.FileDescriptorProto

_KNOWN_MODULES = (
    descriptor_pb2, any_pb2, source_context_pb2, type_pb2, api_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2,
    timestamp_pb2, wrappers_pb2, http_pb2, annotations_pb2, client_pb2, field_behavior_pb2, httpbody_pb2, resource_pb2,
    status_pb2, error_details_pb2,
)  # fmt: skip
_ALWAYS = ("google/rpc/status.proto", "google/rpc/error_details.proto", "google/protobuf/any.proto")
_RESERVED = ("google/protobuf/", "google/api/", "google/rpc/")
MOST_BYTES = 16 * 1024 * 1024
_MOST_FILES = 10_000


class Assembled(Struct, frozen=True):
    """`descriptor_set` is a serialised FileDescriptorSet, dependencies first; `services` those that can be used."""

    descriptor_set: bytes
    services: tuple[str, ...]
    problems: tuple[Problem, ...]


def assemble(raw: Iterable[bytes], services: Iterable[str] | None = None, limit: int = MOST_BYTES) -> Assembled:
    """A usable set of these files and of what they need. Without `services`, all that the files define."""
    problems: list[Problem] = []
    files = _distinct(raw, limit, problems)
    good = _loadable(files, problems)
    defined = {name for file in good for name in _services(file)}
    wanted = list(services) if services is not None else sorted(defined)
    for service in wanted:
        if service not in defined:
            problems.append(Problem("missing-service", service, "none of the usable files defines it"))
    usable = tuple(service for service in dict.fromkeys(wanted) if service in defined)
    whole = descriptor_pb2.FileDescriptorSet(file=good)
    return Assembled(whole.SerializeToString(deterministic=True), usable, tuple(sorted(set(problems))))


def load(descriptor_set: bytes) -> DescriptorPool:
    """A private pool of an assembled set."""
    pool = DescriptorPool()
    for file in files_of(descriptor_set).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def files_of(descriptor_set: bytes) -> descriptor_pb2.FileDescriptorSet:
    """The files as messages."""
    return descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)


def comments(descriptor_set: bytes) -> Mapping[str, str]:
    """Full name -> leading comment of services, methods, messages, fields and enums, where the source is known."""
    found: dict[str, str] = {}
    for file in files_of(descriptor_set).file:
        if file.HasField("source_code_info"):
            names = dict(_paths(file))
            for location in file.source_code_info.location:
                text = location.leading_comments.strip()
                name = names.get(tuple(location.path))
                if text and name:
                    found[name] = "\n".join(line.strip() for line in text.splitlines())
    return found


def trim(descriptor_set: bytes, services: Iterable[str], extra_messages: Iterable[str] = ()) -> bytes:
    """Only the files that these services (and messages) need, and no others' services; without source text."""
    files = {file.name: file for file in files_of(descriptor_set).file}
    wanted = set(services)
    home = {name: file.name for file in files.values() for name in (*_services(file), *_messages(file))}
    roots = [home[name] for name in (*wanted, *extra_messages) if name in home]
    needed: set[str] = set()
    pending = [*roots, *(name for name in _ALWAYS if name in files)]
    while pending:
        name = pending.pop()
        if name not in needed and name in files:
            needed.add(name)
            pending += files[name].dependency
    kept = [_slim(file, wanted) for file in files.values() if file.name in needed]
    return descriptor_pb2.FileDescriptorSet(file=kept).SerializeToString(deterministic=True)


@functools.cache
def well_known() -> Mapping[str, bytes]:
    """Our own copies of the files that everybody has, by name."""
    found: dict[str, bytes] = {}
    for module in _KNOWN_MODULES:
        pending = [module.DESCRIPTOR]
        while pending:
            file = pending.pop()
            if file.name not in found:
                found[file.name] = file.serialized_pb
                pending += file.dependencies
    return found


def _distinct(raw: Iterable[bytes], limit: int, problems: list[Problem]) -> dict[str, list[File]]:
    """File name -> its different contents, in an order that does not depend on how they came."""
    found: dict[str, dict[bytes, File]] = {}
    size = 0
    for body in raw:
        size += len(body)
        if size > limit or len(found) > _MOST_FILES:
            problems.append(Problem("too-large", "descriptors", f"more than {limit} bytes or {_MOST_FILES} files"))
            break
        try:
            file = File.FromString(body)
        except DecodeError:
            problems.append(Problem("invalid-file", "a file", "it is no FileDescriptorProto"))
            continue
        if not file.name:
            problems.append(Problem("invalid-file", "a file", "it has no name"))
        elif file.name not in well_known():
            found.setdefault(file.name, {})[body] = file
        if file.name.startswith(_RESERVED) and file.name not in well_known():
            problems.append(Problem("reserved", file.name, "the folder belongs to Google's own files"))
    for name, contents in found.items():
        if len(contents) > 1:
            problems.append(Problem("conflict", name, f"{len(contents)} different files have this name"))
    return {name: [contents[body] for body in sorted(contents)] for name, contents in sorted(found.items())}


def _loadable(files: Mapping[str, Sequence[File]], problems: list[Problem]) -> list[File]:
    """The files that a pool takes, dependencies first, with the well-known files that they need."""
    pool, known = DescriptorPool(), well_known()
    done: dict[str, bool] = {}
    good: list[File] = []

    def add(name: str, under: tuple[str, ...]) -> bool:
        if name in done:
            return done[name]
        if name in under or len(under) > 200:
            problems.append(Problem("invalid-file", name, "its imports form a cycle or are nested too deeply"))
            return False
        ok = False
        candidates = [File.FromString(known[name])] if name in known else files.get(name, ())
        for file in candidates:
            missing = [d for d in file.dependency if not add(d, (*under, name))]
            if missing:
                kind = "missing-file" if any(d not in files and d not in known for d in missing) else "invalid-file"
                problems.append(Problem(kind, name, f"it needs {', '.join(missing[:5])}"))
                continue
            if (reason := _refused(pool, file)) is not None:
                problems.append(Problem("invalid-file", name, reason))
                continue
            good.append(file)
            ok = True
            break
        done[name] = ok
        return ok

    for name in (*_ALWAYS, *files):
        add(name, ())
    return good


def _refused(pool: DescriptorPool, file: File) -> str | None:
    """Why a pool does not take a file; None when it has."""
    _name_for_json(file.message_type)
    try:
        pool.AddSerializedFile(file.SerializeToString())
        pool.FindFileByName(file.name)
    except (TypeError, KeyError, ValueError, DecodeError) as error:
        return " ".join(str(error).split())[:300]
    return None


def _name_for_json(messages: Iterable[descriptor_pb2.DescriptorProto]) -> None:
    """Fill in the JSON names that Python servers leave out."""
    pending = list(messages)
    while pending:
        message = pending.pop()
        for field in message.field:
            if not field.json_name:
                field.json_name = json_name(field.name)
        pending += message.nested_type


def json_name(name: str) -> str:
    """protobuf's lowerCamelCase of a field's name."""
    out, upper = [], False
    for letter in name:
        if letter == "_":
            upper = True
        else:
            out.append(letter.upper() if upper else letter)
            upper = False
    return "".join(out)


def _services(file: File) -> Iterator[str]:
    for service in file.service:
        yield f"{file.package}.{service.name}" if file.package else service.name


def _messages(file: File) -> Iterator[str]:
    for message in file.message_type:
        yield f"{file.package}.{message.name}" if file.package else message.name


def _slim(file: File, services: set[str]) -> File:
    kept = File.FromString(file.SerializeToString())
    kept.ClearField("source_code_info")
    names = list(_services(file))
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
