"""From raw descriptors, possibly hostile, to a closed and ordered set that any protobuf runtime accepts.

What cannot be used is left out and named, and takes only its dependants with it. The well-known files are always our
own copies. Rule: nothing here raises for bad input, and the result does not depend on the order of the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from google.protobuf import descriptor_pb2
from google.protobuf.message import DecodeError
from msgspec import Struct

from isthmus.schema import well_known
from isthmus.schema.descriptors import File, service_names
from isthmus.schema.loading import Loader
from isthmus.schema.model import Problem
from isthmus.schema.text import shown

MOST_BYTES = 16 * 1024 * 1024
MOST_FILES = 10_000
_EDITIONS = {descriptor_pb2.EDITION_2023: "2023", descriptor_pb2.EDITION_2024: "2024"}


class Assembled(Struct, frozen=True):
    """`descriptor_set` is a serialised FileDescriptorSet, dependencies first; `services` those that can be used."""

    descriptor_set: bytes
    services: tuple[str, ...]
    problems: tuple[Problem, ...]


def assemble(
    raw: Iterable[bytes],
    services: Iterable[str] | None = None,
    limit: int = MOST_BYTES,
    refused: Mapping[bytes, str] | None = None,
) -> Assembled:
    """A usable set of these files and of what they need. Without `services`, all that the files define.

    `limit` is in bytes over all files. `refused` are files as they were in an earlier result, each with the reason why
    it is not to be used after all.
    """
    problems: list[Problem] = []
    loader = Loader(_distinct(raw, limit, problems), refused or {}, problems)
    good = loader.load()
    defined = {name for file in good for name in service_names(file)}
    wanted = list(dict.fromkeys(services)) if services is not None else sorted(defined)
    for service in wanted:
        if service not in defined:
            problems.append(Problem("missing-service", shown(service), "none of the usable files defines it"))
    whole = descriptor_pb2.FileDescriptorSet(file=good).SerializeToString(deterministic=True)
    return Assembled(whole, tuple(name for name in wanted if name in defined), tuple(sorted(set(problems))))


def _distinct(raw: Iterable[bytes], limit: int, problems: list[Problem]) -> dict[str, list[File]]:
    """File name -> its different contents, in an order that does not depend on how they came."""
    bodies: set[bytes] = set()
    size = 0
    for body in raw:
        size += len(body)
        bodies.add(body)
        if size > limit or len(bodies) > MOST_FILES:
            problems.append(Problem("too-large", "descriptors", f"more than {limit} bytes or {MOST_FILES} files"))
            return {}
    found: dict[str, list[File]] = {}
    for body in sorted(bodies):
        file = _parsed(body, problems)
        if file is None:
            continue
        if well_known.provided(file.name):
            problems += _foreign(file)
        else:
            found.setdefault(file.name, []).append(_aliased(file))
    for name, contents in found.items():
        if len(contents) > 1:
            problems.append(Problem("conflict", shown(name), f"{len(contents)} different files have this name"))
    return found


def _parsed(body: bytes, problems: list[Problem]) -> File | None:
    try:
        file = descriptor_pb2.FileDescriptorSet.FromString(_in_set(body)).file[0]
    except DecodeError as error:
        reason = str(error).rpartition(": ")[2]
        if "alloc" in reason:
            raise MemoryError(reason) from None
        problems.append(Problem("invalid-file", _name_in(body), f"it cannot be read: {shown(reason)}"))
        return None
    wrong = ""
    if not file.name:
        wrong = "it has no name"
    elif not isinstance(file.name, str) or not file.name.isprintable():  # bytes where it is not UTF-8
        wrong = "its name has characters that cannot be printed"
    elif not all(isinstance(name, str) for name in file.dependency):
        wrong = "it imports a file whose name is not UTF-8"
    elif file.syntax == "editions" and file.edition not in _EDITIONS:
        known = " and ".join(_EDITIONS.values())
        edition = descriptor_pb2.Edition.Name(file.edition).removeprefix("EDITION_").lower()
        wrong = f"its edition ({edition}) is not supported; {known} are"
    if wrong:
        problems.append(Problem("invalid-file", _name_in(body), wrong))
    return None if wrong else file


def _in_set(body: bytes) -> bytes:
    """A set with this file alone: a file that is as deeply nested as a parser allows would not fit into one later."""
    size, left = b"", len(body)
    while left > 127:
        size += bytes((left & 127 | 128,))
        left >>= 7
    return b"\x0a" + size + bytes((left,)) + body


def _name_in(body: bytes) -> str:
    """The name of a file that may be no file: it is what serialisers write first."""
    if body[:1] != b"\x0a" or len(body) < 2 or body[1] > 127:
        return "a file"
    return shown(body[2 : 2 + body[1]].decode("utf-8", "replace")) or "a file"


def _foreign(file: File) -> Iterator[Problem]:
    """What a copy of a well-known file defines beyond ours. An old copy defines less: that is no problem."""
    more = sorted(set(_symbols(file)) - set(_symbols(well_known.content(file.name))))
    if more:
        named = ", ".join(shown(name) for name in more[:5])
        yield Problem("reserved", file.name, f"it is a well-known file, and ours has no {named}; ours is used")


def _aliased(file: File) -> File:
    """A copy of a well-known file under a name of its own becomes an import of ours: both cannot be there."""
    if not isinstance(file.package, str):
        return file
    name = f"{file.package.replace('.', '/')}/{file.name.rpartition('/')[2]}"
    if not well_known.provided(name) or not set(_symbols(file)) <= set(_symbols(well_known.content(name))):
        return file
    return File(name=file.name, syntax="proto3", dependency=[name], public_dependency=[0])


def _symbols(file: File) -> list[str]:
    """The full names of what a file defines at its top."""
    names = [each.name for each in file.message_type]
    names += [each.name for each in file.enum_type]
    names += [each.name for each in file.service]
    names += [each.name for each in file.extension]
    return [f"{file.package!s}.{name!s}" for name in names]
