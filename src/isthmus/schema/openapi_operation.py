"""One HTTP rule of a method as an OpenAPI operation: its parameters, its bodies, and what is special about it.

Where the operation stands is decided before (`openapi_paths`); the rule is right (`rules.wrong`). Rule: a request made
by the operation is one that the gateway takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from msgspec import Struct

from isthmus.schema import sample_values
from isthmus.schema.httprule import Variable
from isthmus.schema.json_kinds import JsonSchema, has_text
from isthmus.schema.json_schema import Definitions, traits
from isthmus.schema.model import Binding, Method
from isthmus.schema.openapi_bodies import request_body, response
from isthmus.schema.openapi_errors import ERROR
from isthmus.schema.openapi_paths import METHODS, Place, Slot
from isthmus.schema.request_fields import Leaf, RequestFields, path_field
from isthmus.schema.sample_messages import request_sample

_KINDS = {(True, False): "client", (False, True): "server", (True, True): "bidirectional"}
_REST = "All segments that follow, with slashes between them. Send slashes as they are; most tools write them as `%2F`."


class World(Struct, frozen=True):
    """What the operations of one document share. `url` is the server's, without a slash at the end."""

    pool: DescriptorPool
    definitions: Definitions
    comments: Mapping[str, str]
    url: str
    preserve_names: bool


class Rule(Struct, frozen=True):
    """One rule of a method, looked up in a pool. `message` is the request's."""

    method: Method
    binding: Binding
    fields: RequestFields
    message: Descriptor


def operation(world: World, rule: Rule, place: Place, names: tuple[str, str]) -> JsonSchema:
    """The OpenAPI object. `names` are its tag and its operationId."""
    method, fields, tag = rule.method, rule.fields, names[0]
    found: JsonSchema = {"tags": [tag], "summary": _summary(method), "operationId": names[1]}
    if text := "\n\n".join(_description(world, rule)):
        found["description"] = text
    if method.deprecated:
        found["deprecated"] = True
    parameters = [_in_path(world, rule, slot, place) for slot in place.slots]
    parameters += [_in_query(world, rule, leaf) for leaf in fields.query]
    if parameters:
        found["parameters"] = parameters
    example = request_sample(fields, method, rule.message, preserve_names=world.preserve_names).body
    body = request_body(fields, rule.message, method, world.definitions, example)
    if body is not None:
        found["requestBody"] = body
    answer = response(rule.binding, world.pool.FindMessageTypeByName(method.output), method, world.definitions)
    found["responses"] = {"200": answer, "default": dict(ERROR)}
    found["x-isthmus-rpc"] = _rpc(world, rule)
    return found


def spelled(definitions: Definitions, rule: Rule) -> dict[str, str]:
    """How the document names the fields that the path fills."""
    found = {}
    for path in rule.fields.path:
        names = [definitions.name(field) for field in path_field(rule.message, path)]
        found[".".join(path)] = ".".join(names or path)
    return found


def _summary(method: Method) -> str:
    """The first sentence of the comment."""
    paragraph = " ".join(method.comment.partition("\n\n")[0].split())
    sentence, dot, _ = paragraph.partition(". ")
    line = sentence if dot else paragraph.removesuffix(".")
    return line if len(line) <= 120 else f"{line[:119]}…"


def _description(world: World, rule: Rule) -> Iterator[str]:
    method, verb = rule.method, rule.binding.verb
    if method.comment:
        yield method.comment
    if verb not in METHODS:
        yield "Any HTTP method does." if verb == "*" else f"The HTTP method is `{verb}`."
    if rule.fields.cut:
        yield "There are more query parameters than are listed: every field of the request has one."
    if method.streaming:
        kind = _KINDS[method.client_streaming, method.server_streaming]
        yield f"A {kind} stream. As a WebSocket: `{_websocket(world, rule)}`, one message in each text frame."


def _rpc(world: World, rule: Rule) -> JsonSchema:
    found: JsonSchema = {"method": rule.method.path}
    if rule.method.streaming:
        found["streaming"] = _KINDS[rule.method.client_streaming, rule.method.server_streaming]
        found["websocket"] = _websocket(world, rule)
    return found


def _websocket(world: World, rule: Rule) -> str:
    url = "ws" + world.url.removeprefix("http") if world.url.startswith("http") else world.url
    return url + rule.method.path


def _in_path(world: World, rule: Rule, slot: Slot, place: Place) -> JsonSchema:
    found: JsonSchema = {"name": slot.name, "in": "path", "required": True}
    fields = path_field(rule.message, slot.variable.field_path) if slot.variable is not None else ()
    comment = world.comments.get(fields[-1].full_name, "") if fields else ""
    if slot.whole and not slot.rest and fields and has_text(fields[-1]):
        schema = world.definitions.value(fields[-1])
        example = sample_values.single(fields[-1])
    else:
        schema = {"type": "string"} if slot.rest else {"type": "string", "pattern": "^[^/]+$"}
        example = "a" if slot.rest else "1"
    notes = [comment, _part(slot.variable, slot, place), _REST if slot.rest else ""]
    if slot.rest:
        found["x-multi-segment"] = True
    if text := "\n\n".join(note for note in notes if note):
        found["description"] = text
    return {**found, "schema": schema, "example": example}


def _part(variable: Variable | None, slot: Slot, place: Place) -> str:
    """What a parameter is part of."""
    if variable is None:
        return "It fills no field."
    if slot.whole:
        return ""
    names = iter([each.name for each in place.slots if each.variable == variable])
    parts = [f"{{{next(names)}}}" if segment in ("*", "**") else segment for segment in variable.segments]
    return f"Part of `{variable.name}`, which becomes `{'/'.join(parts)}`."


def _in_query(world: World, rule: Rule, leaf: Leaf) -> JsonSchema:
    field = leaf.fields[-1]
    found: JsonSchema = {"name": ".".join(world.definitions.name(each) for each in leaf.fields), "in": "query"}
    notes = [world.comments.get(field.full_name, ""), *_choices(world, leaf.fields)]
    if rule.binding.verb == "PATCH" and rule.fields.body is not None and leaf.fields == (_mask(rule.message),):
        notes.append("Without it, the fields that the body has.")
    if text := "\n\n".join(note for note in notes if note):
        found["description"] = text
    about = [traits(each) for each in leaf.fields]
    if all(each.required for each in about) or all(each.is_required for each in leaf.fields):
        found["required"] = True
    if any(each.deprecated for each in about):
        found["deprecated"] = True
    schema = world.definitions.value(field)
    if not field.is_repeated:
        return {**found, "schema": schema}
    return {**found, "style": "form", "explode": True, "schema": {"type": "array", "items": schema}}


def _mask(message: Descriptor) -> FieldDescriptor | None:
    """The field that a PATCH fills from its body when nobody else does."""
    field: FieldDescriptor | None = message.fields_by_name.get("update_mask")
    inner = field.message_type if field is not None else None
    return field if inner is not None and inner.full_name == "google.protobuf.FieldMask" else None


def _choices(world: World, fields: Sequence[FieldDescriptor]) -> Iterator[str]:
    for field in fields:
        members = field.containing_oneof.fields if field.containing_oneof is not None else ()
        if len(members) > 1:
            yield f"At most one of {', '.join(f'`{world.definitions.name(each)}`' for each in members)}."
