"""Schemas as the JSON that the page reads: services and methods at once, the types of one method when it is opened.

Types are sent a method at a time, because a server may have thousands. Rule: pure; what the page shows of a type is
decided there, this only says what the descriptor says. The page's src/catalog.ts holds the same shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.edge.explorer.catalog import Catalog, Upstream
from isthmus.schema.model import Binding, Method

Json = dict[str, object]

_SCALARS = {
    FieldDescriptor.TYPE_DOUBLE: "double", FieldDescriptor.TYPE_FLOAT: "float", FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64", FieldDescriptor.TYPE_INT32: "int32", FieldDescriptor.TYPE_FIXED64: "uint64",
    FieldDescriptor.TYPE_FIXED32: "uint32", FieldDescriptor.TYPE_BOOL: "bool", FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes", FieldDescriptor.TYPE_UINT32: "uint32", FieldDescriptor.TYPE_SFIXED32: "int32",
    FieldDescriptor.TYPE_SFIXED64: "int64", FieldDescriptor.TYPE_SINT32: "int32", FieldDescriptor.TYPE_SINT64: "int64",
    FieldDescriptor.TYPE_ENUM: "enum",
}  # fmt: skip


def catalog_json(catalog: Catalog, comments: Mapping[str, Mapping[str, str]]) -> Json:
    """Servers, services and methods. `comments` is upstream name -> full name -> comment."""
    return {
        "version": catalog.version,
        "publicUrl": catalog.public_url,
        "upstreams": [_upstream(each, comments.get(each.name, {})) for each in catalog.services()],
    }


def _upstream(upstream: Upstream, comments: Mapping[str, str]) -> Json:
    schema = upstream.schema
    services: dict[str, list[Json]] = {}
    for method in schema.methods if schema else ():
        services.setdefault(method.service, []).append(_method(method))
    return {
        "name": upstream.name,
        "state": upstream.state,
        "stale": upstream.stale,
        "digest": schema.digest if schema else "",
        "ready": schema is not None,
        "services": [
            {"name": name, "doc": comments.get(name, ""), "methods": methods} for name, methods in services.items()
        ],
        "problems": [f"{each.where}: {each.what}" for each in (schema.problems if schema else ())],
    }


def _method(method: Method) -> Json:
    return {
        "name": method.name,
        "path": method.path,
        "input": method.input,
        "output": method.output,
        "clientStreaming": method.client_streaming,
        "serverStreaming": method.server_streaming,
        "doc": method.comment,
        "deprecated": method.deprecated,
        "idempotency": method.idempotency,
        "bindings": [_binding(each) for each in method.bindings],
    }


def _binding(binding: Binding) -> Json:
    return {
        "verb": binding.verb,
        "template": binding.template,
        "body": binding.body,
        "responseBody": binding.response_body,
        "source": binding.source,
    }


def types_json(method: Method, pool: DescriptorPool, comments: Mapping[str, str]) -> Json:
    """Full name -> type, of everything that the method's two messages lead to."""
    found: Json = {}
    pending: list[Descriptor | EnumDescriptor] = [
        pool.FindMessageTypeByName(method.input),
        pool.FindMessageTypeByName(method.output),
    ]
    while pending:
        each = pending.pop()
        if each.full_name in found:
            continue
        if isinstance(each, EnumDescriptor):
            found[each.full_name] = _enum(each, comments)
        else:
            found[each.full_name] = _message(each, comments)
            pending += _leads_to(each)
    return found


def _leads_to(message: Descriptor) -> Iterator[Descriptor | EnumDescriptor]:
    for field in message.fields:
        if field.message_type is not None:
            yield field.message_type
        elif field.enum_type is not None:
            yield field.enum_type


def _message(message: Descriptor, comments: Mapping[str, str]) -> Json:
    return {
        "kind": "message",
        "doc": comments.get(message.full_name, ""),
        "fields": [_field(field, comments) for field in message.fields],
    }


def _enum(enum: EnumDescriptor, comments: Mapping[str, str]) -> Json:
    # Comments of enum values hang under the enum, while protobuf's own scope is the enum's parent.
    return {
        "kind": "enum",
        "doc": comments.get(enum.full_name, ""),
        "values": [
            {"name": value.name, "number": value.number, "doc": comments.get(f"{enum.full_name}.{value.name}", "")}
            for value in enum.values
        ],
    }


def _field(field: FieldDescriptor, comments: Mapping[str, str]) -> Json:
    options = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString())
    told: Json = {
        "name": field.name,
        "json": field.json_name,
        "doc": comments.get(field.full_name, ""),
        "repeated": field.is_repeated,
        "optional": field.has_presence,
        "required": field.is_required or _behaves_as_required(options),
        "deprecated": options.deprecated,
        "oneof": _oneof(field),
        **_type(field),
    }
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        told |= {"repeated": False, "key": _SCALARS[entry.fields_by_number[1].type]}
        told |= _type(entry.fields_by_number[2])
    return told


def _type(field: FieldDescriptor) -> Json:
    if field.message_type is not None:
        return {"type": "message", "of": field.message_type.full_name}
    return {"type": _SCALARS[field.type], "of": field.enum_type.full_name if field.enum_type is not None else ""}


def _oneof(field: FieldDescriptor) -> str:
    """Its oneof, but for the one that proto3 hides inside each `optional` field."""
    oneof = field.containing_oneof
    if oneof is None or (len(oneof.fields) == 1 and oneof.name == f"_{field.name}"):
        return ""
    return oneof.name


def _behaves_as_required(options: descriptor_pb2.FieldOptions) -> bool:
    return field_behavior_pb2.REQUIRED in options.Extensions[field_behavior_pb2.field_behavior]
