"""From a schema to what the gateway does with it: descriptors for Envoy's transcoder, and what goes to an adapter.

The descriptors carry the final HTTP rules, so annotations, a mapping file and the RPC path of every method are all
the same to Envoy. What its transcoder would get wrong is not in them: streams (an error in the middle would not be
seen), `response_body`, and field masks that the body is to fill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor
from msgspec.structs import replace

from isthmus.ir.transcoding import Adapted, SchemaFile, Transcoding
from isthmus.schema import descriptors, httprule
from isthmus.schema.model import Binding, Method, Schema

_FIELD_MASK = "google.protobuf.FieldMask"
_HTTP_BODY = "google.api.HttpBody"
_VERBS = frozenset({"get", "put", "post", "delete", "patch"})


def transcoding(schema: Schema) -> Transcoding:
    """The plan for one schema."""
    pool = descriptors.load(schema.descriptor_set)
    kept: dict[str, tuple[Binding, ...]] = {}
    adapted: list[Adapted] = []
    for method in schema.methods:
        found = pool.FindServiceByName(method.service).FindMethodByName(method.name)
        away = [binding for binding in method.bindings if needs_adapter(method, binding, found)]
        kept[method.path] = tuple(binding for binding in method.bindings if binding not in away)
        adapted.extend(_adapted(binding) for binding in away)
    planned = _with_rules(descriptors.trim(schema.descriptor_set, schema.services), kept)
    rules = [binding for bindings in kept.values() for binding in bindings]
    return Transcoding(
        digest=schema.digest,
        descriptor_set=planned.SerializeToString(deterministic=True),
        services=schema.services,
        adapted=tuple(sorted(dict.fromkeys(adapted), key=_most_specific)),
        path_fields=tuple(sorted({name for binding in rules for name in _path_fields(binding)})),
        files=tuple(SchemaFile(file.name, _digest(file), tuple(_symbols(file))) for file in planned.file),
    )


def _path_fields(binding: Binding) -> Iterator[str]:
    """The fields that a path fills, as query parameters may spell them."""
    for variable in httprule.parse(binding.template).variables:
        yield variable.name
        yield ".".join(descriptors.json_name(part) for part in variable.field_path)


def _digest(file: descriptor_pb2.FileDescriptorProto) -> str:
    return hashlib.blake2b(file.SerializeToString(deterministic=True), digest_size=8).hexdigest()


def _symbols(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    package = f"{file.package}." if file.package else ""
    yield from (f"{package}{message.name}" for message in file.message_type)
    yield from (f"{package}{service.name}" for service in file.service)
    yield from (f"{package}{extension.name}" for extension in file.extension)
    for enum in file.enum_type:
        yield f"{package}{enum.name}"
        yield from (f"{package}{value.name}" for value in enum.value)  # values are their enum's siblings


def needs_adapter(method: Method, binding: Binding, found: MethodDescriptor) -> bool:
    """Whether Envoy's transcoder cannot serve a rule as it should be served."""
    if method.streaming:
        return True
    if binding.response_body and found.output_type.full_name != _HTTP_BODY:
        return True
    return binding.verb == "PATCH" and _mask_field(found) and binding.body not in ("", "*")


def _mask_field(found: MethodDescriptor) -> bool:
    return any(f.message_type is not None and f.message_type.full_name == _FIELD_MASK for f in found.input_type.fields)


def _adapted(binding: Binding) -> Adapted:
    template = httprule.parse(binding.template)
    return Adapted(binding.verb, literal_start(binding.template), template.regex())


def literal_start(template: str) -> str:
    """How every path of a template begins."""
    ends = [at for at in (template.find("{"), template.find("*")) if at >= 0]
    return template[: min(ends)] if ends else template


def _most_specific(adapted: Adapted) -> tuple[int, str, str]:
    return (-len(adapted.prefix), adapted.pattern, adapted.verb)


def _with_rules(descriptor_set: bytes, kept: dict[str, tuple[Binding, ...]]) -> descriptor_pb2.FileDescriptorSet:
    """The descriptors with exactly these HTTP rules, by the method's gRPC path."""
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)
    for file in files.file:
        prefix = f"{file.package}." if file.package else ""
        for service in file.service:
            for method in service.method:
                options = method.options
                options.ClearExtension(annotations_pb2.http)
                options.DiscardUnknownFields()  # options that Envoy does not know either
                bindings = kept.get(f"/{prefix}{service.name}/{method.name}", ())
                if bindings:
                    options.Extensions[annotations_pb2.http].CopyFrom(_rule(bindings))
    return files


def _rule(bindings: tuple[Binding, ...]) -> http_pb2.HttpRule:
    first, *rest = (_one(binding) for binding in bindings)
    first.additional_bindings.extend(rest)
    return first


def _one(binding: Binding) -> http_pb2.HttpRule:
    rule = http_pb2.HttpRule(body=binding.body, response_body=binding.response_body)
    if binding.verb.lower() in _VERBS:
        setattr(rule, binding.verb.lower(), binding.template)
    else:
        rule.custom.kind, rule.custom.path = binding.verb, binding.template
    return rule


def below(schema: Schema, prefix: str) -> Schema:
    """The same API with only those HTTP rules whose paths begin with `prefix`. gRPC paths stay."""
    start = prefix.rstrip("/")
    if not start:
        return schema
    methods = tuple(
        replace(method, bindings=tuple(b for b in method.bindings if b.source == "default" or _begins(b, start)))
        for method in schema.methods
    )
    return replace(schema, methods=methods)


def _begins(binding: Binding, start: str) -> bool:
    found = literal_start(binding.template)
    return found == start or found.startswith(f"{start}/")


def paths(schema: Schema) -> tuple[tuple[str, str], ...]:
    """All HTTP rules as (literal start, RE2 expression), for servers that share a port."""
    rules = (binding for method in schema.methods for binding in method.bindings if binding.source != "default")
    return tuple(dict.fromkeys((literal_start(r.template), httprule.parse(r.template).regex()) for r in rules))
