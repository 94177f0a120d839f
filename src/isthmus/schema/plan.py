"""From raw descriptors to a Schema: the one entry for everything that has descriptors, whoever sent them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from msgspec.structs import replace

from isthmus.schema import descriptors, httprule
from isthmus.schema.model import Binding, Method, Problem, Schema
from isthmus.schema.rules import bindings

_INFRASTRUCTURE = re.compile(r"grpc\.(reflection|health|channelz|admin|lb|testing\.reflection)\..*")
_IDEMPOTENCY = {1: "no_side_effects", 2: "idempotent"}

Rules = Mapping[str, Sequence[Binding]]  # method (package.Service.Method) -> its rules, from a mapping file


def make_schema(raw: Iterable[bytes], *, services: Iterable[str] | None = None, rules: Rules | None = None) -> Schema:
    """The schema of a server whose descriptors these are. Without `services`, all that they define."""
    wanted = None if services is None else [name for name in services if not _INFRASTRUCTURE.fullmatch(name)]
    assembled = descriptors.assemble(raw, wanted)
    problems = list(assembled.problems)
    pool = descriptors.load(assembled.descriptor_set)
    comments = descriptors.comments(assembled.descriptor_set)
    given = dict(rules or {})
    methods: list[Method] = []
    for service in assembled.services:
        if not _INFRASTRUCTURE.fullmatch(service):
            methods += _methods(pool, service, given, comments, problems)
    known = {f"{method.service}.{method.name}" for method in methods}
    problems += [Problem("unknown-selector", name, "the server has no such method") for name in given.keys() - known]
    return Schema(assembled.descriptor_set, tuple(_without_doubles(methods, problems)), tuple(sorted(set(problems))))


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
            bindings=_bindings(found, rules, problems),
            comment=comments.get(found.full_name, ""),
            deprecated=options.deprecated,
            idempotency=_IDEMPOTENCY.get(options.idempotency_level, ""),
        )


def _bindings(found: MethodDescriptor, rules: Rules, problems: list[Problem]) -> tuple[Binding, ...]:
    return bindings(found, rules.get(found.full_name, ()), problems)


def _without_doubles(methods: Sequence[Method], problems: list[Problem]) -> Iterator[Method]:
    """Of two rules for the same requests the first one stays."""
    taken: dict[tuple[str, str], str] = {}
    for method in methods:
        kept = []
        for binding in method.bindings:
            key = binding.verb, httprule.parse(binding.template).regex()
            owner = taken.setdefault(key, method.path)
            if owner == method.path:
                kept.append(binding)
            else:
                what = f"{binding.verb} {binding.template} is taken by {owner}"
                problems.append(Problem("duplicate-rule", method.path, what))
        yield replace(method, bindings=tuple(kept))
