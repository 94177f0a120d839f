"""From raw descriptors to a Schema: the one entry for everything that has descriptors, whoever sent them.

What a stricter runtime (Envoy's) refuses is not known here: a check of it may be passed in, and what it refuses is
left out like any other file. Rule: bad input is a problem of the schema, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.schema import descriptors
from isthmus.schema.assembly import Assembled, assemble
from isthmus.schema.loading import CONSEQUENCE
from isthmus.schema.model import Binding, Method, Problem, Schema
from isthmus.schema.rules import bindings, without_doubles
from isthmus.schema.text import shown

_INFRASTRUCTURE = re.compile(r"grpc\.(reflection|health|channelz|admin|lb)\..*")
_IDEMPOTENCY = {1: "no_side_effects", 2: "idempotent"}
_MOST_CHECKS = 5
_MOST_PROBLEMS = 200
_MOST_COMPARED = 5_000  # names, each with each

Rules = Mapping[str, Sequence[Binding]]  # method (package.Service.Method) -> its rules, from a mapping file
Check = Callable[[bytes], Mapping[bytes, str]]  # a descriptor set -> files of it that are refused, and why


def make_schema(
    raw: Iterable[bytes],
    *,
    services: Iterable[str] | None = None,
    rules: Rules | None = None,
    check: Check | None = None,
) -> Schema:
    """The schema of a server whose descriptors these are. Without `services`, all that they define."""
    wanted = None if services is None else [name for name in services if not _INFRASTRUCTURE.fullmatch(name)]
    assembled = _checked(tuple(raw), wanted, check)
    problems = list(assembled.problems)
    pool = descriptors.load(assembled.descriptor_set)
    comments = descriptors.comments(assembled.descriptor_set)
    given = dict(rules or {})
    methods: list[Method] = []
    for service in assembled.services:
        if not _INFRASTRUCTURE.fullmatch(service):
            methods += _methods(pool, service, given, comments, problems)
    known = {f"{method.service}.{method.name}" for method in methods}
    problems += _unknown(given.keys() - known, known)
    methods = list(without_doubles(methods, problems))
    return Schema(assembled.descriptor_set, tuple(methods), _bounded(problems))


def _checked(raw: Sequence[bytes], services: Sequence[str] | None, check: Check | None) -> Assembled:
    """Assembled until nothing of it is refused: each time that files are left out, others may take their place."""
    refused: dict[bytes, str] = {}
    for _ in range(_MOST_CHECKS):
        assembled = assemble(raw, services, refused=refused)
        found = check(assembled.descriptor_set) if check is not None else {}
        if not found:
            return assembled
        refused |= found
    nothing = assemble((), services)
    problem = Problem("invalid-file", "descriptors", "Envoy takes none of them, whichever are left out")
    return Assembled(nothing.descriptor_set, (), tuple(sorted({*assembled.problems, *nothing.problems, problem})))


def _unknown(names: AbstractSet[str], known: AbstractSet[str]) -> Iterator[Problem]:
    """Methods that a mapping file names and the server does not have; with what was meant, where looking is cheap."""
    cheap = len(names) * len(known) <= _MOST_COMPARED
    for name in names:
        close = get_close_matches(name[:200], known, 1, 0.8) if cheap else []
        hint = f"; did you mean {close[0]}?" if close else ""
        yield Problem("unknown-selector", shown(name), f"the server has no such method{hint}")


def _methods(
    pool: DescriptorPool, service: str, rules: Rules, comments: Mapping[str, str], problems: list[Problem]
) -> Iterator[Method]:
    for found in pool.FindServiceByName(service).methods:
        options = descriptor_pb2.MethodOptions.FromString(found.GetOptions().SerializeToString())
        yield Method(
            service=service,
            name=found.name,
            input=found.input_type.full_name,
            output=found.output_type.full_name,
            client_streaming=found.client_streaming,
            server_streaming=found.server_streaming,
            bindings=bindings(found, rules.get(found.full_name, ()), problems),
            comment=comments.get(found.full_name, ""),
            deprecated=options.deprecated,
            idempotency=_IDEMPOTENCY.get(options.idempotency_level, ""),
        )


def _bounded(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, in order; not so many that nobody can read them, and causes rather than what follows from them."""
    found = sorted(set(problems), key=lambda problem: (problem.what.endswith(CONSEQUENCE), problem))
    more = len(found) - _MOST_PROBLEMS
    kept = tuple(sorted(found[:_MOST_PROBLEMS]))
    return (*kept, Problem("too-large", "problems", f"there are {more} more")) if more > 0 else kept
