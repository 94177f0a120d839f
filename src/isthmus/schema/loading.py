"""Puts files into a pool, dependencies first, and finds out which of them can be used.

Of several files with one name the first that can be used counts. A file that cannot is named with the reason; files
that need it are named too. Rule: no recursion over what was sent, and the order of the result depends on names alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from isthmus.schema import well_known
from isthmus.schema.descriptors import File, json_name
from isthmus.schema.model import Problem
from isthmus.schema.text import shown

ALWAYS = ("google/rpc/status.proto", "google/rpc/error_details.proto")
CONSEQUENCE = ", which cannot be used"  # so end the problems that another problem has caused
_PREFIX = "Couldn't build proto file into descriptor pool: "


class Loader:
    """`files` are the possible contents by name; `refused` what is not to be used, by content, with the reason."""

    def __init__(
        self, files: Mapping[str, Sequence[File]], refused: Mapping[bytes, str], problems: list[Problem]
    ) -> None:
        self._left = {name: list(reversed(contents)) for name, contents in files.items()}
        self._refused = refused
        self._problems = problems
        self._pool = DescriptorPool()
        self._good: list[File] = []
        self._usable: dict[str, bool] = {}
        self._open: dict[str, set[str]] = {}  # file -> imports of which it is not known yet whether they are usable
        self._importers: dict[str, list[str]] = {}
        self._ready: list[str] = []

    def load(self) -> list[File]:
        """The files that can be used, dependencies first, with the well-known ones that they need."""
        known = _well_known_for(file for contents in self._left.values() for file in contents)
        for file in known:
            self._pool.AddSerializedFile(file.SerializeToString())
            self._usable[file.name] = True
        for name in sorted(self._left):
            self._wait(name)
        self._settle()
        for name in sorted(self._left):
            while name not in self._usable:
                self._break_cycle(name)
                self._settle()
        return [*_well_known_for(self._good), *self._good]

    def _wait(self, name: str) -> None:
        """Have a file wait for its imports, or give up if each of its contents imports what nobody has."""
        contents = self._left[name]
        while contents:
            imports = set(contents[-1].dependency)
            missing = sorted(each for each in imports if each not in self._left and each not in self._usable)
            if not missing:
                break
            self._problems.append(Problem("missing-file", shown(name), f"it needs {_listed(missing)}"))
            contents.pop()
        else:
            self._decide(name, False)
            return
        self._open[name] = {each for each in imports if each not in self._usable}
        for each in self._open[name]:
            self._importers.setdefault(each, []).append(name)
        if not self._open[name]:
            heapq.heappush(self._ready, name)

    def _settle(self) -> None:
        while self._ready:
            name = heapq.heappop(self._ready)
            if name in self._usable or self._open[name]:
                continue  # an earlier content of it was ready
            file = self._left[name][-1]
            problem = self._unusable(name, file)
            if problem is None:
                self._good.append(file)
                self._decide(name, True)
            else:
                self._give_up(name, problem)

    def _unusable(self, name: str, file: File) -> Problem | None:
        """Why a file whose imports are all decided cannot be used; None once the pool has it."""
        bad = sorted({each for each in file.dependency if not self._usable[each]})
        if bad:
            return Problem("invalid-file", shown(name), f"it needs {_listed(bad)}{CONSEQUENCE}")
        _name_for_json(file)
        body = file.SerializeToString(deterministic=True)
        if body in self._refused:
            return Problem("invalid-file", shown(name), shown(self._refused[body]))
        try:
            self._pool.AddSerializedFile(body)
        except (TypeError, ValueError, DecodeError) as error:
            reason = str(error).removeprefix(_PREFIX)
            kind = "conflict" if "duplicate symbol" in reason or "duplicate extension" in reason else "invalid-file"
            return Problem(kind, shown(name), shown(reason))
        return None

    def _give_up(self, name: str, problem: Problem) -> None:
        """Go on with the file's next content."""
        self._problems.append(problem)
        self._left[name].pop()
        self._wait(name)

    def _decide(self, name: str, usable: bool) -> None:
        self._usable[name] = usable
        for each in self._importers.pop(name, ()):
            waiting = self._open.get(each, set())
            if name in waiting:
                waiting.remove(name)
                if not waiting:
                    heapq.heappush(self._ready, each)

    def _break_cycle(self, name: str) -> None:
        """From a file that waits, go along imports that wait until one is met again: none of that circle is usable."""
        way: dict[str, None] = {}
        while name not in way:
            way[name] = None
            name = min(self._open[name])
        circle = list(way)[list(way).index(name) :]
        said = " imports ".join(shown(each) for each in (*circle[:5], *(["..."] if len(circle) > 5 else []), name))
        for each in circle:
            self._give_up(each, Problem("invalid-file", shown(each), f"its imports form a circle: {said}"))


def _well_known_for(files: Iterable[File]) -> list[File]:
    """Our copies of what these files import, and of what is always there."""
    imported = {name for file in files for name in file.dependency}
    found = list(well_known.closure((*ALWAYS, *filter(well_known.provided, imported))))
    for file in found:
        _name_for_json(file)
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(shown(name) for name in names[:5]) + more


def _name_for_json(file: File) -> None:
    """Fill in the JSON names that Python servers leave out."""
    pending: list[descriptor_pb2.DescriptorProto] = list(file.message_type)
    while pending:
        message = pending.pop()
        for field in message.field:
            if not field.json_name and isinstance(field.name, str):
                field.json_name = json_name(field.name)
        if file.syntax in ("", "proto2") and _twice(field.json_name for field in message.field):
            message.options.deprecated_legacy_json_field_conflicts = True  # in proto2 that is a warning to protoc
        pending += message.nested_type


def _twice(names: Iterable[str]) -> bool:
    listed = list(names)
    return len(set(listed)) < len(listed)
